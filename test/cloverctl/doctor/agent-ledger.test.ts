import test from 'ava';
import { judgeLedger, readLedger, type Asked } from '../../../cloverctl/doctor/agent-ledger.ts';
import type { Finding } from '../../../cloverctl/doctor/finding.ts';
import { wellDelivered } from './well-delivered.ts';

interface Told {
  readonly version?: string;
  readonly atMs?: number;
  readonly unexplained?: number;
  readonly lost?: Readonly<Record<string, number>>;
  readonly accessLog?: object;
  readonly connections?: object;
  readonly sockets?: object;
  readonly waiting?: number;
  readonly unseen?: readonly object[];
  readonly points?: readonly object[];
  readonly tls?: readonly object[];
}

const asked: Asked = { version: '1.4.0', askedAt: 1_000, answeredAt: 1_200 };

function judged(told: Told = {}): readonly Finding[] {
  const { version = '1.4.0', atMs = 1_100, unexplained = 0, lost = {} } = told;
  const { waiting = 0, unseen = [], points = [], tls, accessLog, connections, sockets } = told;
  const ledger = {
    version,
    atMs,
    unexplained,
    capture: {
      wire: { lost: {} },
      bytes: { lost: {} },
      requests: { seen: 7, spans: 7, open: 0, lost },
      accessLog,
      connections,
      sockets,
    },
    attachments: { attached: 3, waiting, unseen, points, failures: 0 },
    tls,
    pods: { known: 9, failed: 0 },
    taps: { known: 2, failed: 0 },
    ...wellDelivered,
  };
  return judgeLedger('n1', readLedger(JSON.stringify(ledger)), asked);
}

const doubts = (told: Told): string[] =>
  judged(told).flatMap(({ state, check, found }) =>
    state === 'good' ? [] : [`${state} ${check}: ${found}`],
  );

test('an agent that is well', (t) => {
  t.deepEqual(judged(), [
    {
      check: 'agent on n1',
      state: 'good',
      found: '1.4.0, 3 points of pods traced, 2 Taps known',
    },
    { check: 'clock of n1', state: 'good', found: "0.0 s ahead of this machine's" },
    { check: 'ledger of n1', state: 'good', found: '7 requests seen, none lost' },
    { check: 'from n1 to ingest', state: 'good', found: '7 spans taken' },
    { check: 'evidence of n1', state: 'good', found: 'the last report was taken' },
  ]);
});

test('an agent of another version, and pods that wait', (t) => {
  t.deepEqual(doubts({ version: '1.3.9' }), [
    'doubtful agent on n1: 1.3.9, 3 points of pods traced, 2 Taps known',
  ]);
  t.deepEqual(doubts({ waiting: 1 }), [
    'doubtful agent on n1: 1.4.0, 3 points of pods traced, 2 Taps known, 1 pods not traced yet',
  ]);
});

test('a clock is doubted when it is off by more than the question took', (t) => {
  t.deepEqual(doubts({ atMs: 2_200 }), []);
  t.deepEqual(doubts({ atMs: 2_300 }), ["doubtful clock of n1: 1.2 s ahead of this machine's"]);
  t.deepEqual(doubts({ atMs: -2_000 }), ["doubtful clock of n1: 3.1 s behind this machine's"]);
});

test('losses are told by cause, but for requests that were open when their pod went', (t) => {
  t.deepEqual(doubts({ lost: { hole: 2, detached: 5 } }), [
    'doubtful ledger of n1: 7 requests seen; lost: requests.hole 2',
  ]);
  t.deepEqual(doubts({ lost: { detached: 5 } }), []);
});

test('records of access logs that nobody took are told', (t) => {
  t.deepEqual(doubts({ accessLog: { records: 9, lost: 3 } }), [
    'doubtful ledger of n1: 7 requests seen; lost: accessLog.backlog 3',
  ]);
  t.deepEqual(doubts({ accessLog: { records: 9, lost: 0 } }), []);
});

test('sockets of which bytes passed the agent are told', (t) => {
  const well = { deafPoints: 0, compared: 40, differ: {}, uncompared: { late: 3 } };
  t.deepEqual(doubts({ sockets: well }), []);
  t.deepEqual(doubts({ sockets: { ...well, differ: { bypass: 2, lost: 0 } } }), [
    'doubtful sockets of n1: of 40 compared some had bytes that the agent did not see: bypass 2',
  ]);
  t.deepEqual(doubts({ sockets: { ...well, deafPoints: 1 } }), [
    'doubtful sockets of n1: at 1 cgroups another program keeps the agent from asking them',
  ]);
});

test('requests that no book explains are a bug', (t) => {
  t.deepEqual(doubts({ unexplained: 4 }), [
    'bad ledger of n1: 7 requests seen, 4 of them unexplained',
  ]);
});

test('each interface that cannot be traced is named', (t) => {
  const unseen = [
    { pod: 'shop/db', interface: 'eth1', why: 'it is macvlan' },
    { pod: 'shop/dns', interface: '*', why: "it uses the node's own network" },
  ];
  t.deepEqual(doubts({ unseen }), [
    'doubtful pod/shop/db: its interface eth1 is not traced: it is macvlan',
    "doubtful pod/shop/dns: it is not traced: it uses the node's own network",
  ]);
});

test('what is no ledger is refused', (t) => {
  t.throws(() => readLedger('<html>'));
  t.throws(() => readLedger('{}'));
});

test('of each pod is told where it is seen, and what is not', (t) => {
  const points = [
    { pod: 'shop/web', kind: 'cgroup', name: 'kubepods/pod1' },
    { pod: 'shop/db', kind: 'tcx', name: 'veth1' },
  ];
  const told = judged({ points }).filter(({ check }) => check.startsWith('pod/'));
  t.deepEqual(
    told.map(({ check, state, found }) => `${state} ${check}: ${found}`),
    [
      'good pod/shop/web: seen at its cgroup kubepods/pod1; not seen: what it encrypts by itself, and what its sidecar says to others',
      'good pod/shop/db: seen at its veth (tcx) veth1; not seen: what is encrypted, also by its sidecar, and what stays in the pod',
    ],
  );
});

test('ports that speak something else than is said of them are told', (t) => {
  t.deepEqual(
    doubts({ connections: { contradicted: { 'shop/cart:6379 redis, speaks http': 3 } } }),
    [
      'doubtful ports on n1: a port says one protocol and speaks another: shop/cart:6379 redis, speaks http',
    ],
  );
});

test('TLS libraries of each pod are named, and doubted where a Tap asks for what cannot be read', (t) => {
  const openssl = {
    pod: 'shop/web',
    library: 'OpenSSL',
    version: '3.0.19',
    file: '/lib/libssl.so.3',
  };
  const envoy = {
    pod: 'shop/gateway',
    library: 'BoringSSL',
    version: '',
    file: '/envoy',
    processes: 1,
  };
  const tls = [
    { ...openssl, processes: 2, wanted: true, read: true },
    { ...openssl, processes: 1, wanted: false, read: false, why: 'no Tap of it asks for tls' },
    { ...envoy, wanted: true, read: false, why: 'it is stripped' },
  ];
  const told = judged({ tls }).filter(({ check }) => check.startsWith('tls of '));
  t.deepEqual(
    told.map(({ check, state, found }) => `${state} ${check}: ${found}`),
    [
      'good tls of pod/shop/web: OpenSSL 3.0.19 in /lib/libssl.so.3 (2 processes): read',
      'good tls of pod/shop/web: OpenSSL 3.0.19 in /lib/libssl.so.3 (1 process): not read, no Tap of it asks for tls',
      'doubtful tls of pod/shop/gateway: BoringSSL in /envoy (1 process): not read, it is stripped',
    ],
  );
});
