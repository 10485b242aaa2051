import { equal, deepEqual, ok } from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { Agent as SecureAgent, request as requestSecurely } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { isDeepStrictEqual } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { createIdentity } from '../../functions/admission/certificate.ts';
import { createCapture } from '../../native/capture/capture.ts';
import type { CapturePoint, CapturePointKind } from '../../native/capture/types.ts';
import { type DecodedSpan, decodeSpans } from '../native/capture/otlp.ts';
import { report } from './report.ts';
import { run } from './run.ts';

/** Runs as the only program of a virtual machine, with a kernel of its own; says on the console what it found. */
const address = '198.18.0.2';
const port = 8_080;
const securePort = 8_443;
const identity = createIdentity({ names: ['pod'], now: Date.now(), lifetimeMs: 3_600_000 });
const namespace = 'pod';
const cgroup = '/sys/fs/cgroup/pod';
const pod = {
  namespace: 'shop',
  name: 'cart-0',
  uid: 'uid-1',
  node: 'guest',
  service: 'cart',
  version: 'v1',
};

const server = `
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
const answer = (incoming, outgoing) => {
  incoming.resume();
  incoming.on('end', () => {
    outgoing.statusCode = incoming.url === '/fails' ? 503 : 200;
    outgoing.end('x'.repeat(100));
  });
};
const identity = { key: process.env.KEY, cert: process.env.CERTIFICATE };
createSecureServer(identity, answer).listen(${securePort}, '${address}', () =>
  createServer(answer).listen(${port}, '${address}', () => console.log('listening')));
`;

/** What is asked, and what each point must make of it. */
const conversation = [
  { method: 'GET', path: '/items/1', body: '', status: 200 },
  { method: 'POST', path: '/items', body: 'y'.repeat(40_000), status: 200 },
  { method: 'GET', path: '/fails', body: '', status: 503 },
];

/** @returns its interface on this side, and its process. */
async function makePod(): Promise<{ veth: number; pid: number }> {
  const commands = [
    ['netns', 'add', namespace],
    ['link', 'add', 'host', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace],
    ['address', 'add', '198.18.0.1/24', 'dev', 'host'],
    ['link', 'set', 'host', 'up'],
    ['-n', namespace, 'address', 'add', `${address}/24`, 'dev', 'eth0'],
    ['-n', namespace, 'link', 'set', 'eth0', 'up'],
  ];
  for (const command of commands) await run('ip', command);
  mkdirSync(cgroup);
  const child = spawn(
    'sh',
    [
      '-c',
      `echo $$ >${cgroup}/cgroup.procs; exec /usr/bin/ip netns exec ${namespace} "$@"`,
      'sh',
      process.execPath,
      '--input-type=module',
      '--eval',
      server,
    ],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, KEY: identity.key, CERTIFICATE: identity.certificate },
    },
  );
  const listening: Promise<unknown[]> = once(child.stdout, 'data');
  await listening;
  const veth = Number(readFileSync('/sys/class/net/host/ifindex', 'utf8'));
  return { veth, pid: child.pid ?? 0 };
}

async function converse(secure: boolean): Promise<void> {
  const agent = new (secure ? SecureAgent : Agent)({ keepAlive: true, maxSockets: 1 });
  for (const { method, path, body, status } of conversation) {
    const options = { host: address, path, method, agent };
    const sent = secure
      ? requestSecurely({ ...options, port: securePort, rejectUnauthorized: false })
      : request({ ...options, port });
    sent.end(body);
    await new Promise<void>((resolve, reject) => {
      sent.on('error', reject);
      sent.on('response', (response) => {
        equal(response.statusCode, status);
        buffer(response).then(() => resolve(), reject);
      });
    });
  }
  agent.destroy();
}

/**
 * The spans of the conversation as one point has them.
 *
 * @param tlsOf the process whose TLS is read, and used
 */
async function capture(point: CapturePoint, kind: CapturePointKind, tlsOf?: number): Promise<void> {
  const spans: DecodedSpan[] = [];
  const core = createCapture({
    boot: '8899aabbccddeeff',
    ringBytes: 2 ** 20,
    onBatch: ({ otlp }) => spans.push(...decodeSpans(otlp)),
  });
  try {
    equal(core.attach(point, pod), kind);
    if (tlsOf !== undefined) core.attachProcess(tlsOf, cgroup, `/proc/${tlsOf}/exe`);
    await converse(tlsOf !== undefined);
    // At a cgroup the server's socket is compared with what came up of it, but for what is encrypted.
    const sockets = {
      deafPoints: 0,
      compared: kind === 'cgroup' && tlsOf === undefined ? 1 : 0,
      differ: {},
      uncompared: tlsOf === undefined ? {} : { unread: 1 },
    };
    const isOver = (): boolean => {
      const now = core.ledger();
      return now.requests.spans === 3 && isDeepStrictEqual(now.sockets, sockets);
    };
    for (let attempt = 0; attempt < 400 && !isOver(); attempt++) await sleep(25);
    await core.flush();
    const ledger = core.ledger();
    deepEqual([ledger.wire.lost, ledger.bytes.lost, ledger.requests.lost], [{}, {}, {}]);
    deepEqual(ledger.sockets, sockets);
    deepEqual(
      spans.map(({ name, kind: side, attributes }) => ({
        name,
        side,
        peer: attributes['network.peer.address'],
        path: attributes['url.path'],
        status: attributes['http.response.status_code'],
        requestBytes: attributes['http.request.body.size'] ?? 0,
        responseBytes: attributes['http.response.body.size'],
      })),
      conversation.map(({ method, path, body, status }) => ({
        name: method,
        side: 2,
        peer: '198.18.0.1',
        path,
        status,
        requestBytes: body.length,
        responseBytes: 100,
      })),
    );
  } finally {
    await core.close();
  }
}

/** Instructions that the verifier looked at for each program; kernels before 5.16 do not say. */
function verifiedInstructions(): number[] {
  const core = createCapture({ boot: '8899aabbccddeeff', ringBytes: 2 ** 20, onBatch: () => {} });
  try {
    return readdirSync('/proc/self/fdinfo').flatMap((descriptor) => {
      const file = `/proc/self/fdinfo/${descriptor}`;
      const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
      return /^verified_insns:\s*(\d+)/m.exec(text)?.slice(1).map(Number) ?? [];
    });
  } finally {
    void core.close();
  }
}

async function main(): Promise<void> {
  writeFileSync('/proc/sys/net/core/bpf_jit_enable', '1');
  const [major = 0, minor = 0] = readFileSync('/proc/sys/kernel/osrelease', 'utf8')
    .split('.')
    .map(Number);
  const since = (otherMajor: number, otherMinor: number): boolean =>
    major > otherMajor || (major === otherMajor && minor >= otherMinor);
  await report('the kernel tells its types', () => ok(existsSync('/sys/kernel/btf/vmlinux')));
  await report('each program loads with fewer than 100,000 verified instructions', () => {
    const counts = verifiedInstructions();
    ok(!since(5, 16) || counts.length > 0);
    for (const count of counts) ok(count < 100_000, `${count}`);
  });
  const { veth, pid } = await makePod();
  await report('a cgroup gives the spans of a conversation', () => capture(cgroup, 'cgroup'));
  await report('the plain text of TLS gives the spans of a conversation', () =>
    capture(cgroup, 'cgroup', pid),
  );
  const kind = since(6, 6) ? 'tcx' : 'clsact';
  await report(`a veth gives the spans of a conversation by ${kind}`, () => capture(veth, kind));
}

await main();
process.exit();
