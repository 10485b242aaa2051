import test, { type ExecutionContext } from 'ava';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { eventOf, handlersOf } from './helpers.ts';
import { authorization, post, raw, start } from './start-host.ts';

const ofHop = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const ofEvent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

type Extensions = CloudEvent['extensions'];

/** What became of the trace of an event on three ways: emitted by its handler, as the reply, through the broker. */
async function ways(
  t: ExecutionContext,
  headers: Record<string, string>,
  extensions: Extensions = {},
): Promise<readonly Extensions[]> {
  const seen: Extensions[] = [];
  const note = async (event: CloudEvent): Promise<void> => {
    seen.push(event.extensions);
  };
  const { url } = await start(
    t,
    {
      handlers: handlersOf(['direct'], async (_, { emit }) => {
        await emit(eventOf({ type: 'emitted' }));
        return eventOf({ type: 'reply', extensions: { tracestate: 'stale=1' } });
      }),
    },
    { emit: note, publish: note },
  );
  const event = eventOf({ type: 'direct', extensions });
  const reply = await post(`${url}/functions/f`, event, headers);
  const replied: Record<string, string> = {};
  for (const name of ['traceparent', 'tracestate']) {
    const value = reply.headers.get(`ce-${name}`);
    if (value !== null) replied[name] = decodeURIComponent(value);
  }
  t.is((await post(`${url}/broker`, event, headers)).status, 202);
  return [seen[0] ?? {}, replied, seen[1] ?? {}];
}

test('the trace of a request goes on in what its handler sends, and in what the broker takes', async (t) => {
  const trace = { traceparent: ofHop, tracestate: 'a=1,b=2' };
  const sent = { traceparent: ofHop, tracestate: ' a=1 , b=2' };
  t.deepEqual(await ways(t, sent), [trace, trace, trace]);
});

test('an event that has the extension keeps it behind the broker: it is where the trace began', async (t) => {
  const extensions = { traceparent: ofEvent, tracestate: 'e=1' };
  const hop = { traceparent: ofHop, tracestate: 'a=1' };
  t.deepEqual(await ways(t, hop, extensions), [hop, hop, extensions]);
  t.deepEqual(await ways(t, {}, extensions), [extensions, extensions, extensions]);
});

test('a bad tracestate leaves the traceparent, and a bad traceparent leaves nothing', async (t) => {
  const only = { traceparent: ofHop };
  t.deepEqual(await ways(t, { traceparent: ofHop, tracestate: 'FOO=1' }), [only, only, only]);
  const none = await ways(t, { traceparent: `ff${ofHop.slice(2)}`, tracestate: 'a=1' });
  t.deepEqual(none, [{}, { tracestate: 'stale=1' }, {}]);
  const extensions = { traceparent: 'nonsense', tracestate: 'a=1' };
  const kept = await ways(t, {}, extensions);
  t.deepEqual(kept, [{}, { tracestate: 'stale=1' }, extensions], 'a broker changes no event');
});

test('of two traceparent headers none counts; several tracestate headers are one', async (t) => {
  const seen: Extensions[] = [];
  const { port } = await start(
    t,
    {},
    {
      publish: async ({ extensions }) => {
        seen.push(extensions);
      },
    },
  );
  const send = (...lines: string[]): Promise<string> =>
    raw(
      port,
      [
        'POST /broker HTTP/1.1',
        'host: x',
        `authorization: ${authorization}`,
        'connection: close',
        'content-length: 0',
        'ce-specversion: 1.0',
        'ce-id: 1',
        'ce-source: /s',
        'ce-type: t',
        ...lines,
        '',
        '',
      ].join('\r\n'),
    );
  t.regex(await send(`traceparent: ${ofHop}`, `traceparent: ${ofEvent}`), /^HTTP\/1.1 202/);
  t.regex(
    await send(`TraceParent: \t${ofHop}\t`, 'tracestate: a=1', 'TRACESTATE:', 'tracestate: b=2'),
    /^HTTP\/1.1 202/,
  );
  t.deepEqual(seen, [{}, { traceparent: ofHop, tracestate: 'a=1,b=2' }]);
});
