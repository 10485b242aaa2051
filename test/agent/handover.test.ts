import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { z } from 'zod';
import {
  isAttached as attached,
  isReady,
  lostOf,
  makeHandoverBed,
  readStored,
  spansStored,
} from './helpers/handover-bed.ts';
import { eventually } from './helpers/test-agent.ts';

const booksOf = z.object({
  capture: z.object({
    takenOver: z.object({ requests: z.int(), refused: z.record(z.string(), z.int()) }),
  }),
});

const server = `
import { createServer } from 'node:http';
createServer((incoming, outgoing) => setTimeout(() => outgoing.end('hello'), incoming.url === '/slow' ? 2500 : 2)).listen(8080);
`;

const request = (url: string, agent?: Agent): Promise<string> =>
  new Promise((resolve, reject) => {
    const options = agent === undefined ? { headers: { connection: 'close' } } : { agent };
    get(url, options, (answer) => void text(answer).then(resolve, reject)).on('error', reject);
  });

/** Requests without a pause, on kept connections and on new ones; ended, it says how many there were. */
const startLoad = (url: string): (() => Promise<number>) => {
  const kept = new Agent({ keepAlive: true, maxSockets: 3 });
  const ended = new AbortController();
  let asked = 0;
  const client = async (agent: Agent | undefined, path: string): Promise<void> => {
    while (!ended.signal.aborted) {
      asked += 1;
      await request(`${url}${path}`, agent);
    }
  };
  const clients = [
    ...[kept, kept, kept, undefined].map((agent) => client(agent, '/')),
    client(undefined, '/slow'),
  ];
  return async () => {
    ended.abort();
    await Promise.all(clients);
    kept.destroy();
    return asked;
  };
};

test.serial(
  'agents that replace each other under load neither double nor lose a span',
  async (t) => {
    const { plane, url, start } = await makeHandoverBed(t, server);
    const first = await start();
    await eventually('the first agent', async () => (await isReady(first)) && attached(first));
    const stop = startLoad(url);
    await sleep(500);

    // As a DaemonSet does it: the old one is asked to end once the new one is ready.
    const second = await start();
    await eventually('the second agent', () => isReady(second));
    plane.answer('/functions/ingest', () => ({ status: 503 }));
    first.process.kill('SIGTERM');
    t.is(await first.ended, 0, 'with spans left on disk');
    plane.answer('/functions/ingest', () => ({ status: 202 }));
    await sleep(500);

    // Asked to end too early, it waits for the one that is coming.
    const third = await start();
    second.process.kill('SIGTERM');
    t.is(await second.ended, 0);
    await eventually('the third agent', () => isReady(third));
    await sleep(500);

    const asked = await stop();
    await eventually('all spans', () => spansStored(plane) >= asked);
    third.process.kill('SIGTERM');
    t.is(await third.ended, 0);
    const { batches, spans } = readStored(plane);
    t.log(`${asked} requests`);
    t.is(spans.length, asked);
    t.is(new Set(spans.map(({ spanId }) => spanId)).size, asked, 'no span twice');
    t.is(new Set(batches).size, batches.length, 'no batch twice');
    for (const { source } of [first, second, third]) {
      const own = batches.filter((batch) => batch.startsWith(source)).length;
      t.true(own > 0, 'each had its time');
    }
    t.deepEqual(lostOf(plane), []);
  },
);

test.serial(
  'an agent that has handed over ends when its successor dies, to be started anew',
  async (t) => {
    const { start } = await makeHandoverBed(t, server);
    const first = await start();
    await eventually('the first agent', () => isReady(first));
    const second = await start();
    await eventually('the second agent', () => isReady(second));
    t.false(await isReady(first), 'the other one counts');
    second.process.kill('SIGKILL');
    t.is(await first.ended, 1);
    const third = await start();
    await eventually('one that found nobody', () => isReady(third));
  },
);

test.serial('an agent that dies is followed by one that waits for it', async (t) => {
  const { plane, url, start } = await makeHandoverBed(t, server);
  const first = await start();
  await eventually('the first agent', async () => (await isReady(first)) && attached(first));
  const second = await start();
  first.process.kill('SIGKILL');
  await first.ended;
  await eventually('the second agent', async () => (await isReady(second)) && attached(second));
  for (let count = 0; count < 20; count += 1) await request(`${url}/`);
  await eventually('its spans', () => spansStored(plane) === 20);
  t.true(readStored(plane).batches.every((batch) => batch.startsWith(second.source)));
});

const ask = async (url: string, times: number): Promise<void> => {
  for (let count = 0; count < times; count += 1) await request(`${url}/`);
};

test.serial('of two agents that start at one time one counts', async (t) => {
  const { plane, url, start } = await makeHandoverBed(t, server);
  const agents = await Promise.all([start(), start()]);
  await eventually('both', async () => (await Promise.all(agents.map(attached))).every(Boolean));
  await eventually('the first', async () => (await Promise.all(agents.map(isReady))).some(Boolean));
  await ask(url, 20);
  await eventually('its spans', () => spansStored(plane) >= 20);
  for (const agent of agents) agent.process.kill('SIGTERM');
  t.deepEqual(await Promise.all(agents.map(({ ended }) => ended)), [0, 0]);
  t.is(readStored(plane).spans.length, 20);
});

test.serial('while an agent ends and another one counts, a third one waits', async (t) => {
  const { plane, url, start } = await makeHandoverBed(t, server);
  const first = await start();
  await eventually('the first agent', async () => (await isReady(first)) && attached(first));
  const second = await start();
  await eventually('the second agent', () => isReady(second));
  const starting = start();
  const ready = starting.then((third) => eventually('the third agent', () => isReady(third)));
  await Promise.race([ready, sleep(5_000)]);
  await ask(url, 20);
  first.process.kill('SIGTERM');
  t.is(await first.ended, 0);
  await ready;
  const third = await starting;
  await sleep(1_000);
  await ask(url, 20);
  second.process.kill('SIGTERM');
  t.is(await second.ended, 0);
  await eventually('all spans', () => spansStored(plane) >= 40);
  third.process.kill('SIGTERM');
  t.is(await third.ended, 0);
  t.is(readStored(plane).spans.length, 40);
});

const stream = `
import { createServer } from 'node:http';
createServer((incoming, outgoing) => {
  outgoing.write('data: 0\\n\\n');
  incoming.resume().on('end', () => outgoing.end('data: 1\\n\\n'));
}).listen(8080);
`;

test.serial('a stream that outlasts its agent is one span of the next one', async (t) => {
  const openTimeoutMs = 1_000;
  const { plane, url, start } = await makeHandoverBed(t, stream, { openTimeoutMs });
  const first = await start();
  await eventually('the first agent', async () => (await isReady(first)) && attached(first));
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write('POST /events HTTP/1.1\r\nHost: shop\r\nContent-Length: 1\r\n\r\n');
  await once(socket, 'data');

  const second = await start();
  await eventually('the second agent', () => isReady(second));
  first.process.kill('SIGTERM');
  t.is(await first.ended, 0);
  const { takenOver } = booksOf.parse(await (await fetch(`${second.url}/ledger`)).json()).capture;
  t.like(takenOver, { requests: 1, refused: {} });
  socket.write('x');
  await eventually('its span', () => spansStored(plane) > 0);
  socket.destroy();
  second.process.kill('SIGTERM');
  t.is(await second.ended, 0);

  const { batches, spans } = readStored(plane);
  t.is(spans.length, 1);
  t.true(batches.every((batch) => batch.startsWith(second.source)));
  const [span] = spans;
  t.is(span?.attributes['url.path'], '/events');
  t.is(span?.attributes['clover.incomplete'], undefined);
  t.true((span?.endNs ?? 0n) - (span?.startNs ?? 0n) > BigInt(openTimeoutMs) * 1_000_000n);
  t.deepEqual(lostOf(plane), []);
});
