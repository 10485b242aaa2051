import { execFileSync } from 'node:child_process';
import http2 from 'node:http2';
import { Resolver } from 'node:dns/promises';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

import test, { type ExecutionContext } from 'ava';

import { createCapture } from '../../../native/capture/capture.ts';
import {
  rungs,
  type Capture,
  type CapturePoint,
  type Rung,
} from '../../../native/capture/types.ts';
import { gapsOf, pod } from './conversation.ts';
import { nameServer } from './name-server.ts';
import { type DecodedSpan, decodeSpans } from './otlp.ts';
import { bpfIdsOf, startTestbed, type Testbed } from './testbed.ts';

const server = `${nameServer('5300')}
import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
createServer((request, response) => {
  response.setHeader('x-clover-arm', 'run.1.v1').end('y'.repeat(Number(request.url.slice(1))));
}).listen(9000, '::');
createHttp2Server((request, response) => response.end(request.url)).listen(9001, () => console.log('up'));
`;

/** How many instructions the verifier looked at, of each program that this process holds. */
function verifiedInstructions(): readonly number[] {
  return readdirSync('/proc/self/fdinfo').flatMap((fd) => {
    try {
      const text = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
      const count = /^verified_insns:\s*(\d+)/m.exec(text)?.[1];
      return count === undefined ? [] : [Number(count)];
    } catch {
      // The descriptor that listed the folder is closed by now.
      return [];
    }
  });
}

interface Watched {
  readonly capture: Capture;
  /** What the capture gave of a point, so far. */
  readonly spansAt: (point: CapturePoint) => readonly DecodedSpan[];
}

/** Captures at several points at one time: one pod of each. */
function watch(
  t: ExecutionContext,
  points: readonly CapturePoint[],
  ways: readonly Rung[] = rungs,
): Watched {
  const spans: DecodedSpan[] = [];
  const capture = createCapture({
    boot: '8899aabbccddeeff',
    ringBytes: 16 * 1024 * 1024,
    rungs: ways,
    onBatch: ({ otlp }) => spans.push(...decodeSpans(otlp)),
  });
  t.teardown(() => capture.close());
  for (const [at, point] of points.entries()) capture.attach(point, { ...pod, uid: `uid-${at}` });
  return {
    capture,
    spansAt: (point) =>
      spans.filter(({ resource }) => resource['k8s.pod.uid'] === `uid-${points.indexOf(point)}`),
  };
}

/** What spans say beside their times and ids. */
const goldenOf = (spans: readonly DecodedSpan[]) =>
  spans
    .map(({ name, kind, attributes, events }) => {
      const { 'clover.time_to_first_byte': firstByteNs, ...others } = attributes;
      const phases = events.map((event) => event.name);
      return { name, kind, others, phases, answered: firstByteNs !== undefined };
    })
    .toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));

async function settled(capture: Capture, count: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const { requests } = capture.ledger();
    if (requests.seen >= count && requests.open === 0) break;
    await delay(25);
  }
  await capture.flush();
}

/** Plain and pipelined HTTP/1.1, streams of HTTP/2, bodies from none to many segments, and a query of DNS. */
async function play(bed: Testbed): Promise<number> {
  const sizes = [0, 1, 1_000, 20_000, 300_000, 3];
  for (const size of sizes) {
    const response = await fetch(`http://${bed.address}:9000/${size}?secret=1`);
    await response.arrayBuffer();
  }
  const socket = connect({ host: bed.address, port: 9000 });
  const asked = ['/7', '/8'].map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  socket.end(asked.join(''));
  await buffer(socket);
  const session = http2.connect(`http://${bed.address}:9001`);
  const streams = Array.from({ length: 20 }, (_, at) => session.request({ ':path': `/s${at}` }));
  await Promise.all(streams.map((stream) => buffer(stream)));
  session.close();
  const resolver = new Resolver();
  resolver.setServers([`${bed.address}:5300`]);
  await resolver.resolve4('www.example.com');
  return sizes.length + asked.length + streams.length + 1;
}

// Serial: each attaches kernel programs.
test.serial('spans are the same at every point', async (t) => {
  const bed = await startTestbed();
  t.teardown(() => bed[Symbol.dispose]());
  await bed.run(server);
  const watched = [
    { point: bed.cgroup, at: watch(t, [bed.cgroup]) },
    ...rungs.map((rung) => ({ point: bed.ifindex, at: watch(t, [bed.ifindex], [rung]) })),
  ];
  const count = await play(bed);
  const golden: unknown[] = [];
  for (const { at, point } of watched) {
    const { capture, spansAt } = at;
    await settled(capture, count);
    golden.push(goldenOf(spansAt(point)));
    const ledger = capture.ledger();
    t.deepEqual(ledger.wire.lost, {});
    t.deepEqual(ledger.bytes.lost, {});
    t.deepEqual(gapsOf(ledger), []);
  }
  const [first, ...others] = golden;
  t.is(watched[0]?.at.spansAt(bed.cgroup).length, count);
  for (const other of others) t.deepEqual(other, first);
});

test.serial('each program is small', async (t) => {
  const capture = createCapture({ boot: '8899aabbccddeeff', ringBytes: 65_536, onBatch: () => {} });
  t.teardown(() => capture.close());
  const counts = verifiedInstructions();
  t.true(counts.length >= 4);
  for (const count of counts) t.true(count > 0 && count < 100_000, `${count} instructions`);
});

test.serial('a conversation within a cgroup is told by both of its ends', async (t) => {
  const bed = await startTestbed();
  t.teardown(() => bed[Symbol.dispose]());
  execFileSync('ip', ['-n', bed.namespace, 'link', 'set', 'lo', 'up']);
  await bed.run(server);
  const { capture, spansAt } = watch(t, [bed.cgroup]);
  await bed.run(
    `await fetch('http://127.0.0.1:9000/5').then((r) => r.text()); console.log('done');`,
  );
  await settled(capture, 2);
  const spans = spansAt(bed.cgroup);
  t.is(spans.length, 2);
  t.deepEqual(new Set(spans.map(({ kind }) => kind)), new Set([2, 3]));
  for (const { events } of spans) {
    const phases = events.map(({ name }) => name);
    t.deepEqual(phases, ['connect.start', 'connect.end', 'first_byte']);
  }
  t.is(new Set(spans.map(({ attributes }) => attributes['http.response.body.size'])).size, 1);
  t.deepEqual(gapsOf(capture.ledger()), []);
});

test.serial(
  'who is sent elsewhere by the rules of a sidecar is told by what was asked for',
  async (t) => {
    const bed = await startTestbed();
    t.teardown(() => bed[Symbol.dispose]());
    execFileSync('ip', ['-n', bed.namespace, 'link', 'set', 'lo', 'up']);
    const rules = `table ip nat {
    chain output { type nat hook output priority -100; tcp dport 80 redirect to :9000; }
  }`;
    execFileSync('ip', ['netns', 'exec', bed.namespace, '/usr/sbin/nft', '-f', '-'], {
      input: rules,
    });
    await bed.run(server);
    const { capture, spansAt } = watch(t, [bed.cgroup]);
    await bed.run(
      `await fetch('http://${bed.address}/5').then((r) => r.text()); console.log('done');`,
    );
    await settled(capture, 2);
    const client = spansAt(bed.cgroup).find(({ kind }) => kind === 3);
    t.is(client?.attributes['server.port'], 80);
    const sizes = spansAt(bed.cgroup).map(
      ({ attributes }) => attributes['http.response.body.size'],
    );
    t.deepEqual(sizes, [5, 5]);
    t.deepEqual(capture.oneWay(), []);
    t.deepEqual(gapsOf(capture.ledger()), []);
  },
);

test.serial(
  'a cgroup that is not there is refused by name, and one that goes is let go',
  async (t) => {
    const bed = await startTestbed();
    t.teardown(() => bed[Symbol.dispose]());
    const { capture } = watch(t, [bed.cgroup]);
    const error = t.throws(() => capture.attach(`${bed.cgroup}/none`, pod));
    t.like(error, { code: 'CLV_CAPTURE_UNAVAILABLE' });
    t.regex(error.message, /none: No such file/);
    t.is(capture.attach(bed.cgroup, pod), 'cgroup');
    const { links } = bpfIdsOf('self');
    t.is(links.length, 5);
    capture.detach(bed.cgroup);
    t.deepEqual(bpfIdsOf('self').links, []);
  },
);
