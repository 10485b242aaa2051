import { once } from 'node:events';
import { connect, type ClientHttp2Session } from 'node:http2';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { z } from 'zod';
import type { RunningAgent } from './helpers/agent-process.ts';
import {
  isAttached,
  isReady,
  lostOf,
  makeHandoverBed,
  readStored,
  spansStored,
} from './helpers/handover-bed.ts';
import { eventually } from './helpers/test-agent.ts';

const server = `
import { createServer } from 'node:http2';
const answer = (stream) => { stream.respond({ ':status': 200, 'x-served-by': 'one' }); stream.end('hello'.repeat(200)); };
createServer().on('stream', (stream) => setTimeout(answer, 2, stream)).listen(8080);
`;

/** Fields that a table makes short: who has not seen it does not know them. */
async function ask(session: ClientHttp2Session, path: string): Promise<void> {
  const stream = session.request({ ':path': path, 'user-agent': 'load/1', 'x-tenant': 'green' });
  stream.end();
  await text(stream);
}

/** Concurrent streams without a pause; ended, it says how many there were. */
const startLoad = (sessions: readonly ClientHttp2Session[]): (() => Promise<number>) => {
  const ended = new AbortController();
  let asked = 0;
  const run = async (session: ClientHttp2Session): Promise<void> => {
    while (!ended.signal.aborted) {
      asked += 1;
      await ask(session, `/busy/${asked % 7}`);
    }
  };
  const clients = sessions.flatMap((session) => Array.from({ length: 6 }, () => run(session)));
  return async () => {
    ended.abort();
    await Promise.all(clients);
    return asked;
  };
};

const books = z.object({
  capture: z.object({
    headerFields: z.object({ read: z.int(), unknown: z.int() }),
    takenOver: z.object({ connections: z.int(), refused: z.record(z.string(), z.int()) }),
  }),
});

const booksOf = async ({ url }: RunningAgent): Promise<z.infer<typeof books>['capture']> =>
  books.parse(await (await fetch(`${url}/ledger`)).json()).capture;

test.serial(
  'HTTP/2 goes on over a restart: no span is lost or doubled, and no field is unknown',
  async (t) => {
    const { plane, url, start } = await makeHandoverBed(t, server);
    const first = await start();
    await eventually('the first', async () => (await isReady(first)) && isAttached(first));
    const sessions = [url, url, url, url].map((origin) => connect(origin));
    await Promise.all(sessions.map((session) => once(session, 'connect')));
    const [silent, ...busy] = sessions;
    if (silent === undefined) throw new Error('no session');
    await ask(silent, '/silent');
    await ask(silent, '/silent');
    const stop = startLoad(busy);
    await sleep(500);

    const second = await start();
    await eventually('the second', () => isReady(second));
    // Requests that begin now are still the first one's, for a second.
    await sleep(1_500);
    await ask(silent, '/silent');
    first.process.kill('SIGTERM');
    t.is(await first.ended, 0);
    await sleep(300);

    const asked = (await stop()) + 3;
    await eventually('all spans', () => spansStored(plane) >= asked);
    const { headerFields, takenOver } = await booksOf(second);
    t.true(headerFields.read > 0);
    t.is(headerFields.unknown, 0);
    t.deepEqual(takenOver, { connections: 4, refused: {} });
    second.process.kill('SIGTERM');
    t.is(await second.ended, 0);
    for (const session of sessions) session.destroy();

    const { batches, spans } = readStored(plane);
    t.log(`${asked} requests`);
    t.is(spans.length, asked);
    t.is(new Set(spans.map(({ spanId }) => spanId)).size, asked, 'no span twice');
    for (const { source } of [first, second])
      t.true(
        batches.some((batch) => batch.startsWith(source)),
        'each had its time',
      );
    t.deepEqual(
      spans.filter(({ attributes: a }) => a['clover.incomplete'] !== undefined),
      [],
    );
    t.is(spans.filter(({ attributes: a }) => a['url.path'] === '/silent').length, 3);
    t.true(spans.every(({ attributes: a }) => a['user_agent.original'] === 'load/1'));
    t.deepEqual(lostOf(plane), []);
  },
);
