import { setImmediate as turn } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { linesOf, serverSentEvents } from '../../../../functions/api/client-text.ts';
import { watchSource } from '../../../../functions/api/handlers/resources.ts';
import { watchReply } from '../../../../functions/api/handlers/watch.ts';
import { systemClock } from '../../../../functions/lib/clock.ts';
import { createLocalStore } from '../../../../functions/resources/local-store.ts';
import { examples } from '../../resources/examples.ts';
import { call, put } from '../requests.ts';
import { startApi, type ApiServer } from '../server.ts';

const collection = '/apis/clover.dev/v1alpha1/namespaces/shop/taps';
const names = ['a', 'b', 'c', 'd', 'e'];
const message = z.object({
  type: z.string(),
  object: z.looseObject({
    metadata: z.looseObject({ name: z.string().optional(), resourceVersion: z.string() }),
  }),
});
const parse = (text: string) => message.parse(JSON.parse(text));

const tap = (name: string, port: number) => ({
  ...examples.Tap,
  metadata: { ...examples.Tap.metadata, name, namespace: 'shop' },
  spec: { ports: [port] },
});

/** Five taps; the first by name is the newest by version. */
async function startWithTaps(t: ExecutionContext): Promise<ApiServer> {
  const api = await startApi(t);
  for (const name of names) await put(api, `${collection}/${name}`, tap(name, 1));
  await put(api, `${collection}/a`, tap('a', 2));
  return api;
}

/** A bookmark at the newest version: there is no more to tell. */
const isEnd = (type: string, version: string): boolean => type === 'BOOKMARK' && version === '6';

/** What a reader knows that is cut after a number of events: names, and the last id or version. */
type Cut = (
  api: ApiServer,
  known: string | undefined,
  count: number,
) => Promise<{ readonly seen: readonly string[]; readonly known: string | undefined }>;

const cutEvents: Cut = async (api, known, count) => {
  const response = await call(api, `${collection}?watch=true`, {
    headers: {
      accept: 'text/event-stream',
      ...(known === undefined ? {} : { 'last-event-id': known }),
    },
  });
  const seen: string[] = [];
  let last = known;
  for await (const { data, id } of serverSentEvents(response)) {
    const { type, object } = parse(data);
    if (id !== '') last = id;
    seen.push(object.metadata.name ?? type);
    if (seen.length === count || isEnd(type, object.metadata.resourceVersion)) break;
  }
  return { seen, known: last };
};

/** It goes on after the version of the last object that it has. */
const cutLines: Cut = async (api, known, count) => {
  const from = known === undefined ? '' : `&resourceVersion=${known}`;
  const response = await call(api, `${collection}?watch=true${from}`);
  const seen: string[] = [];
  let last = known;
  for await (const line of linesOf(response)) {
    const { type, object } = parse(line);
    last = object.metadata.resourceVersion;
    seen.push(object.metadata.name ?? type);
    if (seen.length === count || isEnd(type, object.metadata.resourceVersion)) break;
  }
  return { seen, known: last };
};

for (const [form, cut] of [
  ['server-sent events', cutEvents],
  ['lines', cutLines],
] as const) {
  test(`a reader of ${form} that is cut anywhere in the list gets every object all the same`, async (t) => {
    const api = await startWithTaps(t);
    for (let count = 1; count <= names.length + 1; count += 1) {
      const first = await cut(api, undefined, count);
      t.is(first.seen.length, count);
      const second = await cut(api, first.known, Infinity);
      const all = new Set([...first.seen, ...second.seen]);
      t.deepEqual([...all].sort(), ['BOOKMARK', ...names], `cut after ${count}`);
    }
  });
}

test('a reader that is cut after the list is told nothing of it again', async (t) => {
  const api = await startWithTaps(t);
  const { known } = await cutEvents(api, undefined, Infinity);
  t.is(known, '6');
  t.deepEqual((await cutEvents(api, known, Infinity)).seen, ['BOOKMARK']);
});

for (const mediaType of ['text/event-stream', 'application/x-ndjson']) {
  test(`a reader of ${mediaType} that is slow with the list sees no bookmark before its end`, async (t) => {
    const resources = createLocalStore({ path: ':memory:', clock: systemClock });
    t.teardown(() => resources.close());
    for (const name of names) {
      const { metadata, spec } = tap(name, 1);
      await resources.applySpec({ kind: 'Tap', metadata, spec }, { manager: 'test' });
    }
    const clock = {
      now: () => 0,
      sleep: async (_ms: number, signal?: AbortSignal): Promise<void> => {
        await turn();
        signal?.throwIfAborted();
      },
    };
    const reader = new AbortController();
    const written: string[] = [];
    const write = async (text: string): Promise<void> => {
      written.push(text);
      if (text.includes('BOOKMARK')) reader.abort();
      // The reader takes the next text only after some heartbeats, each of which is a turn.
      for (let left = 10; left > 0 && !reader.signal.aborted; left -= 1) await turn();
    };
    const scope = { kind: 'Tap', namespace: 'shop', name: undefined, none: false } as const;
    const { run } = watchReply(
      watchSource(resources, scope),
      { query: {}, mediaType, headers: {} },
      { clock, heartbeatMs: 1 },
    );
    await run({ signal: reader.signal, write });
    t.is(written.shift(), mediaType === 'text/event-stream' ? ':\n\n' : '', 'the head goes out');
    const types = written.map((text) => /"type":"(\w+)"/.exec(text)?.[1]);
    t.deepEqual(types, [...names.map(() => 'ADDED'), 'BOOKMARK']);
    const ids = written.filter((text) => text.startsWith('id: '));
    t.is(ids.length, mediaType === 'text/event-stream' ? 1 : 0);
  });
}
