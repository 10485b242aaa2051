import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { Agent, request, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

import test, { type ExecutionContext } from 'ava';

import { createCapture } from '../../../native/capture/capture.ts';
import type { Capture, CaptureOptions } from '../../../native/capture/types.ts';
import { detachLink, noSockets, socketsOf } from './closed-sockets.ts';
import { gapsOf, pod } from './conversation.ts';
import { withForeignPrograms } from './foreign-program.ts';
import { startTestbed, type Testbed } from './testbed.ts';

/** Answers with as many bytes as its path says, after it has read what it is sent; port 9443 says what nobody reads. */
const server = `
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
const answer = (request, response) => {
  request.resume().on('end', () => response.end('y'.repeat(Number(request.url.slice(1)))));
};
const http = createServer(answer);
createTcpServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(9443, '::');
http.listen(9000, '::', () => console.log('up'));
`;

interface Bed {
  readonly bed: Testbed;
  readonly capture: Capture;
}

/** A server in a cgroup that is captured. */
async function start(
  t: ExecutionContext,
  limits: Pick<CaptureOptions, 'ringBytes' | 'memoryBytes'> = {},
): Promise<Bed> {
  const bed = await startTestbed();
  t.teardown(() => bed[Symbol.dispose]());
  execFileSync('ip', ['-n', bed.namespace, 'link', 'set', 'lo', 'up']);
  await bed.run(server);
  const capture = createCapture({
    boot: '8899aabbccddeeff',
    ringBytes: 16 * 1024 * 1024,
    ...limits,
    onBatch: () => {},
  });
  t.teardown(() => capture.close());
  t.is(capture.attach(bed.cgroup, pod), 'cgroup');
  return { bed, capture };
}

async function ask(bed: Testbed, agent: Agent, path: string, body = ''): Promise<void> {
  const sent = request({ host: bed.address, port: 9000, path, method: 'POST', agent });
  sent.end(body);
  const answered = await new Promise<IncomingMessage>((resolve, reject) => {
    sent.on('error', reject).on('response', resolve);
  });
  await buffer(answered);
}

async function opened(bed: Testbed, port: number): Promise<Socket> {
  const socket = connect({ host: bed.address, port });
  await once(socket, 'connect');
  return socket;
}

/** Two requests on one connection, the first with long bodies; who asked closes it. */
async function converse(bed: Testbed): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  await ask(bed, agent, '/300000', 'x'.repeat(200_000));
  await ask(bed, agent, '/0');
  agent.destroy();
}

// Serial: each attaches kernel programs.
test.serial('a socket agrees with what came up of it, whoever closes first', async (t) => {
  const { bed, capture } = await start(t);
  await converse(bed);
  const agent = new Agent();
  await ask(bed, agent, '/0');
  await ask(bed, agent, '/70000', 'x');
  t.deepEqual(await socketsOf(capture, 3), { ...noSockets, compared: 3 });
  t.deepEqual(gapsOf(capture.ledger()), []);
});

test.serial('a reset is no difference: what nobody has confirmed does not count', async (t) => {
  const { bed, capture } = await start(t);
  const head = 'GET /3000000 HTTP/1.1\r\nHost: a\r\n\r\n';
  // Of so many some are reset while a server is within a write, whose bytes come behind the reset.
  const sockets = await Promise.all(Array.from({ length: 50 }, async () => opened(bed, 9000)));
  for (const socket of sockets) {
    socket.write(head);
    await once(socket, 'readable');
    socket.read(1);
    socket.resetAndDestroy();
  }
  t.deepEqual(await socketsOf(capture, 50), { ...noSockets, compared: 50 });
});

test.serial('both sockets of a connection within a cgroup are compared', async (t) => {
  const { bed, capture } = await start(t);
  await bed.run(`
    for (const host of ['127.0.0.1', '[::1]']) {
      const answer = await fetch('http://' + host + ':9000/5', { headers: { connection: 'close' } });
      await answer.text();
    }
    console.log('done');
  `);
  t.deepEqual(await socketsOf(capture, 4), { ...noSockets, compared: 4 });
});

test.serial('what a full ring loses is a difference of ours', async (t) => {
  const { bed, capture } = await start(t, { ringBytes: 4096 });
  // No piece of the answer fits.
  await converse(bed);
  const { differ } = await socketsOf(capture, 1);
  t.deepEqual(differ, { lost: 1 });
  t.true((capture.ledger().wire.lost['ring_full'] ?? 0) > 0);
});

test.serial(
  'bytes that pass no program are a bypass, of a whole connection or of a part',
  async (t) => {
    const { bed, capture } = await start(t);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    await ask(bed, agent, '/9');
    await converse(bed);
    t.deepEqual(await socketsOf(capture, 1), { ...noSockets, compared: 1 });
    detachLink('egress');
    await ask(bed, agent, '/9');
    agent.destroy();
    const partly = await socketsOf(capture, 2);
    t.deepEqual(partly, { ...noSockets, compared: 2, differ: { bypass: 1 } });
    detachLink('ingress');
    // Soon after it was attached a socket might have been opened in part before.
    await delay(1_100);
    await converse(bed);
    const wholly = await socketsOf(capture, 3);
    t.deepEqual(wholly, { ...noSockets, compared: 3, differ: { bypass: 2 } });
    t.deepEqual(capture.ledger().wire.lost, {});
  },
);

test.serial('a connection that gave way to others is forgotten, and no bypass', async (t) => {
  // One connection has room.
  const { bed, capture } = await start(t, { memoryBytes: 8192 });
  // Soon after it was attached a socket might have been opened in part before.
  await delay(1_100);
  const agents = Array.from({ length: 2 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
  for (const agent of [...agents, ...agents]) await ask(bed, agent, '/9');
  for (const agent of agents) agent.destroy();
  t.deepEqual(await socketsOf(capture, 2), { ...noSockets, uncompared: { forgotten: 2 } });
  const { connections } = capture.ledger();
  t.true(connections.evicted >= 2, `${connections.evicted} evicted`);
});

test.serial('sockets that say nothing are counted by why', async (t) => {
  const bed = await startTestbed();
  t.teardown(() => bed[Symbol.dispose]());
  await bed.run(server);
  const before = await opened(bed, 9000);
  const capture = createCapture({ boot: '8899aabbccddeeff', onBatch: () => {} });
  t.teardown(() => capture.close());
  capture.attach(bed.cgroup, pod);
  // Nobody knows of it: the program was not there.
  before.destroy();
  const open = await opened(bed, 9000);
  capture.setPorts([9000, 9443]);
  open.destroy();
  t.deepEqual(await socketsOf(capture, 1), { ...noSockets, uncompared: { late: 1 } });
  const unread = await opened(bed, 9443);
  unread.end('\u0001'.repeat(100));
  await buffer(unread);
  const told = await socketsOf(capture, 2);
  t.deepEqual(told, { ...noSockets, uncompared: { late: 1, unread: 1 } });
  capture.setPorts([1]);
  const untraced = await opened(bed, 9000);
  untraced.destroy();
  capture.setPorts([]);
  await ask(bed, new Agent(), '/1');
  t.is((await socketsOf(capture, 3)).compared, 1);
});

test.serial('a cgroup that takes no other program for sockets is seen all the same', async (t) => {
  const bed = await startTestbed();
  t.teardown(() => bed[Symbol.dispose]());
  await bed.run(server);
  const pin = `/sys/fs/bpf/${bed.namespace}`;
  t.teardown(() => rmSync(pin, { force: true }));
  withForeignPrograms('SEC("sockops") int mine(struct bpf_sock_ops *ops) { return 1; }', (object) =>
    execFileSync('bpftool', ['prog', 'load', object, pin]),
  );
  execFileSync('bpftool', ['cgroup', 'attach', bed.cgroup, 'sock_ops', 'pinned', pin]);
  const capture = createCapture({ boot: '8899aabbccddeeff', onBatch: () => {} });
  t.teardown(() => capture.close());
  t.is(capture.attach(bed.cgroup, pod), 'cgroup');
  await converse(bed);
  await capture.flush();
  const { sockets, requests } = capture.ledger();
  t.is(requests.spans, 2);
  t.deepEqual(sockets, { ...noSockets, deafPoints: 1 });
});
