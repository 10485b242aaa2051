import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { createCapture } from '../../../native/capture/capture.ts';
import {
  type Exchange,
  gapsOf,
  play,
  pod,
  readPackets,
  segmentsOf,
  startNs,
  startReplay,
} from './conversation.ts';
import { withForeignPrograms } from './foreign-program.ts';

const exchange: Exchange = {
  request: Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
  response: Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
  method: 'GET',
  path: '/',
  status: 200,
  requestBytes: 0,
  responseBytes: 2,
};

const conversation = (peerPort: number, podServes = true) =>
  segmentsOf([[exchange]], {
    clientIsn: 100,
    serverIsn: 9_000,
    cuts: [400],
    podServes,
    peerPort,
    timeNs: startNs + BigInt(peerPort) * 1_000_000n,
  });

test('of connections whose directions are both seen nothing is told', async (t) => {
  const { replay } = startReplay();
  play(replay, conversation(1));
  t.deepEqual(replay.oneWay(), []);
  await replay.close();
});

for (const podServes of [true, false]) {
  for (const toPod of [true, false]) {
    const title = `${toPod ? 'to' : 'from'} a pod that ${podServes ? 'serves' : 'asks'}`;
    test(`connections of which only the direction ${title} is seen are counted`, async (t) => {
      const { replay } = startReplay();
      play(replay, conversation(1, podServes));
      for (const peerPort of [2, 3]) {
        const half = conversation(peerPort, podServes).filter((each) => each.toPod === toPod);
        play(replay, half);
      }
      t.deepEqual(replay.oneWay(), [{ point: 7, oneWay: 2, bothWays: 1 }]);
      await replay.close();
    });
  }
}

test('a direction that was only late makes it a whole connection', async (t) => {
  const { replay } = startReplay();
  const all = conversation(1);
  play(replay, all.filter(({ toPod }) => toPod).slice(0, 2));
  t.deepEqual(replay.oneWay(), [{ point: 7, oneWay: 1, bothWays: 0 }]);
  play(replay, all.filter(({ toPod }) => !toPod).slice(0, 1));
  t.deepEqual(replay.oneWay(), []);
  await replay.close();
});

test('handshakes that nobody answers, and what began before, tell nothing', async (t) => {
  const { replay } = startReplay();
  const [one, two] = [conversation(1), conversation(2)];
  play(replay, one.slice(0, 1));
  play(
    replay,
    two.filter(({ toPod, payload }) => toPod && payload.length > 0),
  );
  t.deepEqual(replay.oneWay(), []);
  await replay.close();
});

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });

const server = `
import { createServer } from 'node:http';
createServer((_, answer) => answer.end('ok')).listen(8080, () => console.log('up'));
`;
const client = `
for (let at = 0; at < 5; at += 1)
  await (await fetch('http://198.18.0.2:8080', { headers: { connection: 'close' } })).text();
`;

/** Two pods of a node, the second of them a server; each is given the packets of the other past the veths, as Cilium does it. */
async function redirectedPods(t: ExecutionContext): Promise<{ names: string[]; ends: string[] }> {
  const tag = randomBytes(3).toString('hex');
  const names = [`clv${tag}a`, `clv${tag}b`];
  const ends = names.map((name) => `${name}h`);
  for (const [at, name] of names.entries()) {
    const end = ends[at] ?? '';
    ip('netns', 'add', name);
    t.teardown(() => ip('netns', 'del', name));
    ip('link', 'add', end, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    ip('link', 'set', end, 'up');
    ip('-n', name, 'addr', 'add', `198.18.0.${at + 1}/24`, 'dev', 'eth0');
    ip('-n', name, 'link', 'set', 'eth0', 'up');
  }
  for (const [at, end] of ends.entries()) {
    const to = ifindexOf(ends[1 - at] ?? '');
    const source = `SEC("tc") int past(struct __sk_buff *skb) { return bpf_redirect_peer(${to}, 0); }`;
    withForeignPrograms(source, (object) => {
      execFileSync('tc', ['qdisc', 'add', 'dev', end, 'clsact']);
      const program = ['bpf', 'da', 'obj', object, 'sec', 'tc'];
      execFileSync('tc', ['filter', 'add', 'dev', end, 'ingress', ...program]);
    });
  }
  return { names, ends };
}

const ifindexOf = (name: string): number =>
  Number(readFileSync(`/sys/class/net/${name}/ifindex`, 'utf8'));

const nodeIn = (namespace: string, script: string): ChildProcess =>
  spawn('ip', ['netns', 'exec', namespace, process.execPath, '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });

test('a kernel program that redirects packets past the veth is found by its deeds', async (t) => {
  t.timeout(60_000);
  const { names, ends } = await redirectedPods(t);
  const serving = nodeIn(names[1] ?? '', server);
  t.teardown(() => serving.kill('SIGKILL'));
  if (serving.stdout !== null) await once(serving.stdout, 'data');
  const capture = createCapture({
    boot: '8899aabbccddeeff',
    ringBytes: 1024 * 1024,
    onBatch: () => undefined,
  });
  t.teardown(() => capture.close());
  const ifindex = ifindexOf(ends[1] ?? '');
  capture.attach(ifindex, pod);
  capture.setPorts([8080]);
  const asking = nodeIn(names[0] ?? '', client);
  await once(asking, 'close');
  t.is(asking.exitCode, 0, 'the pods reach each other');
  await capture.flush();
  t.deepEqual(capture.oneWay(), [{ point: ifindex, oneWay: 5, bothWays: 0 }]);
});

test('a connection that is joined late ends with its FINs, also where one end shows nothing else', async (t) => {
  const segments = segmentsOf([[exchange]], { clientIsn: 7, serverIsn: 9, cuts: [1_000] });
  // SYN, SYN-ACK, request, response, FIN, FIN: the response is missing, and confirmed.
  const seen = segments.filter((_, at) => at === 2 || at > 3);
  const { spans, ledger } = await readPackets(seen, 3_000_000_000n);
  t.like(ledger.connections, { open: 0, seen: 1 });
  t.deepEqual([ledger.requests.open, ledger.requests.lost], [0, {}]);
  t.deepEqual(
    spans.map(({ attributes: a }) => a['clover.incomplete']),
    [1],
  );
  t.deepEqual(gapsOf(ledger), []);
});
