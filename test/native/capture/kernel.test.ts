import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import test from 'ava';

import { createCapture } from '../../../native/capture/capture.ts';
import type { Capture } from '../../../native/capture/types.ts';
import { gapsOf, pod } from './conversation.ts';
import { type DecodedSpan, decodeSpans } from './otlp.ts';
import { bpfIdsOf, isGone, startTestbed, type Testbed } from './testbed.ts';

const captureUrl = new URL('../../../native/capture/capture.ts', import.meta.url).href;

function startCapture(bed: Testbed): { capture: Capture; spans: DecodedSpan[] } {
  const spans: DecodedSpan[] = [];
  const capture = createCapture({
    boot: '8899aabbccddeeff',
    onBatch: ({ otlp }) => spans.push(...decodeSpans(otlp)),
  });
  capture.attach(bed.ifindex, pod);
  capture.setPorts([bed.port]);
  return { capture, spans };
}

const exitOf = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => {
    child.once('exit', resolve);
  });

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

async function call(bed: Testbed, agent: Agent, path: string, body?: Buffer): Promise<Answer> {
  const sent = request({
    host: bed.address,
    port: bed.port,
    path,
    agent,
    method: body === undefined ? 'GET' : 'POST',
  });
  sent.end(body);
  return new Promise((resolve, reject) => {
    sent.on('error', reject);
    sent.on('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts) }),
      );
    });
  });
}

/** Waits until the capture has seen `count` requests end. */
async function settled(capture: Capture, count: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const { requests } = capture.ledger();
    if (requests.seen >= count && requests.open === 0) break;
    await delay(25);
  }
  await capture.flush();
}

// Serial: each looks at what the whole process holds.
test.serial(
  'every request over a kept-alive connection becomes a span, and bytes arrive unchanged',
  async (t) => {
    using bed = await startTestbed();
    const { capture, spans } = startCapture(bed);
    const agent = new Agent({ keepAlive: true, maxSockets: 2 });
    const paths = ['/small?token=secret&x', '/missing', '/fails', '/large'];
    for (let round = 0; round < 10; round++)
      for (const path of paths) {
        const { body } = await call(bed, agent, path);
        if (path === '/large') t.true(body.equals(bed.large));
      }
    const upload = await call(bed, agent, '/small', bed.large);
    t.is(upload.status, 405);
    agent.destroy();
    await settled(capture, 41);

    const told = new Map<string, number>();
    for (const { attributes } of spans) {
      const key = `${attributes['url.path']} ${attributes['http.response.status_code']} ${attributes['http.response.body.size']}`;
      told.set(key, (told.get(key) ?? 0) + 1);
    }
    t.is(told.get('/small 200 100'), 10);
    t.is(told.get('/fails 503 2'), 10);
    t.is(told.get(`/large 200 ${bed.large.length}`), 10);
    t.is(spans.filter(({ attributes }) => attributes['url.path'] === '/missing').length, 10);
    t.is(spans.length, 41);
    const ledger = capture.ledger();
    t.deepEqual(ledger.wire.lost, {});
    t.deepEqual(ledger.requests.lost, {});
    t.deepEqual(ledger.bytes.lost, {});
    t.deepEqual(gapsOf(ledger), []);
    t.deepEqual(capture.oneWay(), []);
    await capture.close();

    const small = spans.find(({ attributes }) => attributes['url.query'] !== undefined);
    t.is(small?.attributes['url.query'], 'token=REDACTED&REDACTED');
    t.is(small?.attributes['server.port'], 8080);
    t.is(small?.name, 'GET');
    t.is(small?.kind, 2);
    t.is(small?.resource['service.name'], 'cart');
    t.is(small?.resource['k8s.pod.uid'], 'uid-1');
    const age = Date.now() - Number((small?.startNs ?? 0n) / 1_000_000n);
    t.true(age >= 0 && age < 100_000, 'start is a Unix time');
    const ttfb = Number(small?.attributes['clover.time_to_first_byte']);
    t.true(ttfb > 0 && BigInt(ttfb) <= (small?.endNs ?? 0n) - (small?.startNs ?? 0n));
  },
);

test.serial('pipelined requests are paired in order', async (t) => {
  using bed = await startTestbed();
  const { capture, spans } = startCapture(bed);
  const socket = connect({ host: bed.address, port: bed.port });
  await once(socket, 'connect');
  const paths = Array.from({ length: 50 }, (_, index) =>
    index % 2 ? `/fails?${index}` : `/small?${index}`,
  );
  const requests = paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  socket.write(requests.join(''));
  socket.resume();
  await settled(capture, paths.length);
  socket.destroy();
  t.deepEqual(
    spans.map(({ attributes }) => attributes['http.response.status_code']),
    paths.map((path) => (path.startsWith('/fails') ? 503 : 200)),
  );
  t.deepEqual(gapsOf(capture.ledger()), []);
  await capture.close();
});

test.serial('after close nothing stays in the kernel, and closing again is harmless', async (t) => {
  using bed = await startTestbed();
  const { capture } = startCapture(bed);
  const { programs, links } = bpfIdsOf('self');
  t.true(programs.length >= 2);
  t.is(links.length, 2);
  capture.detach(bed.ifindex);
  t.deepEqual(bpfIdsOf('self').links, []);
  await Promise.all([capture.close(), capture.close()]);
  await capture.close();
  for (const program of programs) t.true(await isGone(program), `program ${program}`);
  const answer = await call(bed, new Agent(), '/small');
  t.is(answer.status, 200);
});

const holder = (ifindex: number): string => `
  import { createCapture } from ${JSON.stringify(captureUrl)};
  globalThis.held = createCapture({ boot: '8899aabbccddeeff', onBatch: () => {} });
  held.attach(${ifindex}, ${JSON.stringify(pod)});
`;

test.serial('a process that is killed leaves nothing attached', async (t) => {
  using bed = await startTestbed();
  const child = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `${holder(bed.ifindex)} console.log('up'); setInterval(() => {}, 1000);`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await once(child.stdout, 'data');
  const { programs, links } = bpfIdsOf(child.pid ?? 0);
  t.is(links.length, 2);
  child.kill('SIGKILL');
  await once(child, 'exit');
  for (const program of programs) t.true(await isGone(program), `program ${program}`);
});

test.serial('a worker that ends with an open capture leaves nothing attached', async (t) => {
  using bed = await startTestbed();
  const code = `${holder(bed.ifindex)}
    const { parentPort } = await import('node:worker_threads');
    parentPort.on('message', () => {});
    parentPort.postMessage('up');`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
  await once(worker, 'message');
  const { programs, links } = bpfIdsOf('self');
  t.is(links.length, 2);
  await worker.terminate();
  t.deepEqual(bpfIdsOf('self').links, []);
  for (const program of programs) t.true(await isGone(program), `program ${program}`);
});

test.serial('a process with an open capture can end by itself', async (t) => {
  using bed = await startTestbed();
  const child = spawn(process.execPath, ['--input-type=module', '-e', holder(bed.ifindex)], {
    stdio: 'inherit',
  });
  t.is(await exitOf(child), 0);
});

test.serial('a capture that nobody holds is collected', async (t) => {
  using bed = await startTestbed();
  const code = `
    import { readdirSync, readFileSync } from 'node:fs';
    import { createCapture } from ${JSON.stringify(captureUrl)};
    const links = () => readdirSync('/proc/self/fdinfo').filter((fd) => {
      try { return readFileSync('/proc/self/fdinfo/' + fd, 'utf8').includes('link_id'); } catch { return false; }
    }).length;
    (() => createCapture({ boot: '8899aabbccddeeff', onBatch: () => {} }).attach(${bed.ifindex}, ${JSON.stringify(pod)}))();
    if (links() !== 2) process.exit(3);
    for (let i = 0; i < 100 && links() > 0; i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    process.exit(links() === 0 ? 0 : 4);`;
  const child = spawn(process.execPath, ['--expose-gc', '--input-type=module', '-e', code], {
    stdio: 'inherit',
  });
  t.is(await exitOf(child), 0);
});

test.serial('signals that arrive do not keep the programs from loading', async (t) => {
  const code = `
    import { createCapture } from ${JSON.stringify(captureUrl)};
    process.on('SIGUSR2', () => {});
    console.log('up');
    for (let i = 0; i < 5; i++)
      await createCapture({ boot: '8899aabbccddeeff', ringBytes: 65536, onBatch: () => {} }).close();
    process.exit(0);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const exit = exitOf(child);
  while (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGUSR2');
    await nextTurn();
  }
  t.is(await exit, 0);
});

test.serial('an interface that does not exist is refused by name', async (t) => {
  const capture = createCapture({ boot: '8899aabbccddeeff', onBatch: () => {} });
  const error = t.throws(() => capture.attach(2_000_000_000, pod));
  t.like(error, { code: 'CLV_CAPTURE_UNAVAILABLE', status: 503 });
  t.regex(error.message, /interface 2000000000/);
  await capture.close();
});
