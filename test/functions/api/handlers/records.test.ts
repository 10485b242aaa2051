import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { createApiClient } from '../../../../functions/api/client.ts';
import { serverSentEvents } from '../../../../functions/api/client-text.ts';
import { recordOf } from '../memory-records.ts';
import { startApi, type ApiServer } from '../server.ts';

const note = (api: ApiServer, namespace: string, name: string, to: string): Promise<void> =>
  api.records.note({ uid: name, what: 'Passed', to }, recordOf(namespace, name));

test('a watch of records by server-sent events goes on from the last id, past what others wrote', async (t) => {
  const api = await startApi(t);
  const read = async (query: string, lastId: string, count: number) => {
    const stop = new AbortController();
    const response = await fetch(
      `${api.url}/apis/events.k8s.io/v1/namespaces/shop/events?watch=true${query}`,
      {
        headers: {
          authorization: `Bearer ${api.token}`,
          accept: 'text/event-stream',
          ...(lastId === '' ? {} : { 'last-event-id': lastId }),
        },
        signal: stop.signal,
      },
    );
    const seen: string[] = [];
    let id = '';
    for await (const event of serverSentEvents(response)) {
      id = event.id;
      const [, type, name = ''] =
        /"type":"(\w+)".*?(?:"regarding":.*?"name":"([\w-]+)"|$)/.exec(event.data) ?? [];
      seen.push(`${type} ${name}`.trim());
      if (seen.length === count) break;
    }
    stop.abort();
    return { seen, id };
  };
  const first = await read('', '', 2);
  t.deepEqual(first, { seen: ['ADDED try-v2', 'BOOKMARK'], id: '2' });
  await note(api, 'blog', 'other', '1');
  await note(api, 'shop', 'try-v2', '2');
  await note(api, 'shop', 'try-v4', '1');
  t.deepEqual((await read('', first.id, 3)).seen, ['BOOKMARK', 'MODIFIED try-v2', 'ADDED try-v4']);
  const chosen = '&fieldSelector=regarding.name%3Dtry-v4&type=Normal&reason=Passed';
  t.deepEqual((await read(chosen, first.id, 2)).seen, ['BOOKMARK', 'ADDED try-v4']);
  const both = 'fieldSelector=regarding.name=try-v2,regarding.name=try-v4';
  const none = await fetch(`${api.url}/apis/events.k8s.io/v1/events?${both}`, {
    headers: { authorization: `Bearer ${api.token}` },
  });
  t.like(await none.json(), { items: { length: 0 } });
});

test('a watch of records from a version that is not kept is 410, from none 400', async (t) => {
  const api = await startApi(t);
  const status = async (version: string): Promise<number> => {
    const path = `/apis/events.k8s.io/v1/events?watch=true&resourceVersion=${version}`;
    const { status: answered } = await fetch(api.url + path, {
      headers: { authorization: `Bearer ${api.token}` },
    });
    return answered;
  };
  t.is(await status('99'), 410);
  t.is(await status('x'), 400);
});

test('the client follows records over a restart of the server', async (t) => {
  const api = await startApi(t);
  const client = createApiClient({ url: api.url, token: api.token });
  const stop = new AbortController();
  const seen: string[] = [];
  for await (const { type, object } of client.watchEvents({}, { signal: stop.signal })) {
    seen.push(`${type} ${object.regarding.name}`);
    if (seen.length === 2) {
      await api.stop();
      await note(api, 'shop', 'late', '1');
      await delay(10);
      await api.start();
    }
    if (seen.length === 3) await note(api, 'shop', 'late', '2');
    if (seen.length === 4) stop.abort();
  }
  t.deepEqual(seen, ['ADDED try-v2', 'ADDED try-v3', 'ADDED late', 'MODIFIED late']);
});
