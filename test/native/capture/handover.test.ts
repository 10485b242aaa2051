import { Agent, get, type IncomingMessage } from 'node:http';
import { connect } from 'node:http2';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { createCapture } from '../../../native/capture/capture.ts';
import { never, type Capture } from '../../../native/capture/types.ts';
import { startNewConnections } from './new-connections.ts';
import { startTestbed, type Testbed } from './testbed.ts';

const pod = { namespace: 'shop', name: 'web', uid: 'u', node: 'n', service: 'web', version: '' };

const sum = (counts: readonly number[]): number => counts.reduce((all, one) => all + one, 0);

const capture = (t: ExecutionContext, boot: string, ringBytes = 16 * 1024 * 1024): Capture => {
  const made = createCapture({ boot, ringBytes, onBatch: () => undefined });
  t.teardown(() => made.close());
  return made;
};

const ask = (bed: Testbed, path: string, agent: Agent | undefined): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    get({
      host: bed.address,
      port: bed.port,
      path,
      ...(agent === undefined ? { headers: { connection: 'close' } } : { agent }),
    })
      .on('response', resolve)
      .on('error', reject);
  });

/** Requests without a pause, on kept connections and on new ones; ended, it says how many there were. */
const startLoad = (bed: Testbed): (() => Promise<number>) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  let asked = 0;
  const ended = new AbortController();
  const client = async (connections: Agent | undefined): Promise<void> => {
    while (!ended.signal.aborted) {
      asked += 1;
      await buffer(await ask(bed, '/small', connections));
    }
  };
  const clients = [agent, agent, agent, agent, undefined].map(client);
  return async () => {
    ended.abort();
    await Promise.all(clients);
    agent.destroy();
    return asked;
  };
};

test.serial('captures of one interface count each request once, over two handovers', async (t) => {
  t.timeout(60_000);
  using bed = await startTestbed();
  let old = { capture: capture(t, '00000000000000aa'), fromNs: 0n };
  old.capture.attach(bed.ifindex, pod);
  const all = [old.capture];
  const stop = startLoad(bed);
  // It begins with the first one, and ends when others have taken over.
  const slow = await ask(bed, '/large', undefined);
  await sleep(200);
  for (const boot of ['00000000000000bb', '00000000000000cc']) {
    const next = capture(t, boot);
    next.setWindow({ fromNs: never, untilNs: never });
    next.attach(bed.ifindex, pod);
    await sleep(300);
    const at = process.hrtime.bigint() + 200_000_000n;
    next.setWindow({ fromNs: at, untilNs: never });
    old.capture.setWindow({ fromNs: old.fromNs, untilNs: at });
    await sleep(500);
    all.push(next);
    old = { capture: next, fromNs: at };
  }
  t.deepEqual(await buffer(slow), bed.large);
  const asked = (await stop()) + 1;
  for (const one of all) await one.flush();
  const books = all.map((one) => one.ledger());
  t.log(`${asked} requests: ${books.map(({ requests }) => requests.spans).join(' + ')}`);
  for (const { requests, wire } of books) {
    t.deepEqual(requests.lost, {});
    t.deepEqual(wire.lost, {});
    t.is(requests.open, 0);
    t.true(requests.spans > 0, 'each had its time');
  }
  t.is(sum(books.map(({ requests }) => requests.seen)), asked);
  t.is(sum(books.map(({ requests }) => requests.spans)), asked);
});

const echo = `
import { createServer } from 'node:http2';
createServer((request, response) => response.end(request.url)).listen(9001, () => console.log('up'));
`;

test.serial(
  'a connection at a cgroup is handed over, whatever number the cgroup has',
  async (t) => {
    t.timeout(60_000);
    using bed = await startTestbed();
    using other = await startTestbed();
    await bed.run(echo);
    const old = capture(t, '00000000000000aa');
    old.attach(bed.cgroup, pod);
    const session = connect(`http://${bed.address}:9001`);
    const request = (): Promise<Buffer> =>
      buffer(session.request({ ':path': '/p', 'x-tenant': 'a' }));
    for (let count = 0; count < 3; count += 1) await request();

    const next = capture(t, '00000000000000bb');
    next.setWindow({ fromNs: never, untilNs: never });
    next.attach(other.cgroup, { ...pod, name: 'other' });
    next.attach(bed.cgroup, pod);
    next.hold(2_000);
    const at = process.hrtime.bigint();
    old.setWindow({ fromNs: 0n, untilNs: at });
    next.takeOver(old.handOver());
    next.setWindow({ fromNs: at, untilNs: never });
    for (let count = 0; count < 4; count += 1) await request();
    session.close();
    await sleep(100);
    await Promise.all([old.flush(), next.flush()]);
    t.deepEqual(next.ledger().takenOver, { connections: 1, requests: 0, bytes: 0, refused: {} });
    t.is(next.ledger().headerFields.unknown, 0);
    t.deepEqual(
      [old, next].map((one) => one.ledger().requests.spans),
      [3, 4],
    );
  },
);

/** A capture, and its successor that is about to ask for the traffic. */
function startTwo(t: ExecutionContext, { ifindex }: Testbed): { old: Capture; next: Capture } {
  const old = capture(t, '00000000000000aa');
  old.attach(ifindex, pod);
  const next = capture(t, '00000000000000bb');
  next.setWindow({ fromNs: never, untilNs: never });
  next.attach(ifindex, pod);
  next.hold(2_000);
  return { old, next };
}

test.serial(
  'what came before the window and was not read yet is the old one’s alone',
  async (t) => {
    using bed = await startTestbed();
    const { old, next } = startTwo(t, bed);
    const at = process.hrtime.bigint() + 500_000_000n;
    old.setWindow({ fromNs: 0n, untilNs: at });
    next.takeOver(old.handOver());
    next.setWindow({ fromNs: at, untilNs: never });
    // Whoever reads the ring may sleep.
    next.hold(2_000);
    const small = async (): Promise<Buffer> => buffer(await ask(bed, '/small', undefined));
    await small();
    await small();
    await sleep(600);
    next.hold(2_000);
    next.takeOverRequests(old.handOverRequests());
    await small();
    await Promise.all([old.flush(), next.flush()]);
    t.deepEqual(
      [old, next].map((one) => one.ledger().requests.seen),
      [2, 1],
    );
  },
);

test.serial('a capture has a new connection from both sides, or not at all', async (t) => {
  t.timeout(120_000);
  using bed = await startTestbed();
  await using load = startNewConnections({ host: bed.address, port: bed.port, path: '/small' });
  const joined: Capture[] = [];
  for (let count = 0; count < 24; count += 1) {
    const next = capture(t, '00000000000000dd', 4 * 1024 * 1024);
    next.attach(bed.ifindex, pod);
    await sleep(50);
    joined.push(next);
  }
  // What is missing is waited for.
  await sleep(1_500);
  for (const one of joined) {
    await one.flush();
    const { requests, bytes, wire } = one.ledger();
    t.true(requests.spans > 0);
    t.deepEqual({ wire: wire.lost, bytes: bytes.lost }, { wire: {}, bytes: {} });
  }
  t.true((await load.stop()) > 0);
});

test.serial(
  'what has come since the predecessor was asked is of the window that is set, however late that is',
  async (t) => {
    using bed = await startTestbed();
    const { old, next } = startTwo(t, bed);
    const at = process.hrtime.bigint();
    old.setWindow({ fromNs: 0n, untilNs: at });
    next.takeOver(old.handOver());
    await buffer(await ask(bed, '/small', undefined));
    // As an agent whose processor others have.
    await sleep(300);
    next.setWindow({ fromNs: at, untilNs: never });
    await Promise.all([old.flush(), next.flush()]);
    t.deepEqual(
      [old, next].map((one) => one.ledger().requests.spans),
      [0, 1],
    );
  },
);
