import test from 'ava';
import type { Attributes, OtlpSpan } from '../../../cloverctl/trace/otlp-spans.ts';
import { nanosecondTime, tracedSpan } from '../../../cloverctl/trace/traced-span.ts';

const span = (attributes: Attributes, more: Partial<OtlpSpan> = {}): OtlpSpan => ({
  name: 'x',
  kind: 2,
  startNs: 1_790_000_000_000_000_001n,
  endNs: 1_790_000_000_001_500_001n,
  attributes,
  events: [],
  ...more,
});

const cases: readonly [
  name: string,
  attributes: Attributes,
  protocol: string,
  status: number | string | null,
][] = [
  ['HTTP/1', { 'network.protocol.version': '1.1', 'http.response.status_code': 404 }, 'http', 404],
  ['HTTP/2', { 'network.protocol.version': '2', 'http.response.status_code': 200 }, 'http2', 200],
  ['no answer', { 'network.protocol.version': '1.1' }, 'http', null],
  [
    'gRPC, with the status of HTTP',
    { 'rpc.system.name': 'grpc', 'rpc.status_code': 'NOT_FOUND', 'http.response.status_code': 200 },
    'grpc',
    5,
  ],
  ['gRPC', { 'rpc.system.name': 'grpc', 'rpc.response.status_code': 'OK' }, 'grpc', 0],
  ['DNS', { 'network.protocol.name': 'dns', 'dns.response_code': 'NXDOMAIN' }, 'dns', 3],
  ['DNS, BADVERS', { 'network.protocol.name': 'dns', 'dns.response_code': 'BADVERS' }, 'dns', 16],
  [
    'DNS, without a name',
    { 'network.protocol.name': 'dns', 'dns.response_code': 'RCODE12' },
    'dns',
    12,
  ],
  ['SIP', { 'network.protocol.name': 'sip', 'sip.response.status_code': 486 }, 'sip', 486],
  ['Redis', { 'db.system.name': 'redis', 'db.response.status_code': 'MOVED' }, 'redis', 'MOVED'],
  ['Redis without an error', { 'db.system.name': 'redis' }, 'redis', null],
  [
    'PostgreSQL',
    { 'db.system.name': 'postgresql', 'db.response.status_code': '42601' },
    'postgresql',
    '42601',
  ],
  ['MySQL', { 'db.system.name': 'mysql', 'db.response.status_code': '1064' }, 'mysql', 1064],
  ['MariaDB', { 'db.system.name': 'mariadb' }, 'mysql', null],
  ['Kafka', { 'messaging.system': 'kafka' }, 'kafka', null],
  [
    'Kafka, unknown error',
    { 'messaging.system': 'kafka', 'clover.kafka.error_code': -1 },
    'kafka',
    -1,
  ],
];

for (const [name, attributes, protocol, status] of cases)
  test(`protocol and status of ${name}`, (t) => {
    t.like(tracedSpan(span(attributes)), { protocol, status });
  });

test('times have nine digits, and durations are milliseconds', (t) => {
  t.is(nanosecondTime(0n), '1970-01-01T00:00:00.000000000Z');
  t.is(nanosecondTime(1_790_000_000_000_000_001n), '2026-09-21T14:13:20.000000001Z');
  t.like(tracedSpan(span({})), { start: '2026-09-21T14:13:20.000000001Z', durationMs: 1.5 });
});

test('the kind tells which end is the client', (t) => {
  const ends = {
    'network.local.address': '10.0.0.1',
    'network.local.port': 80,
    'network.peer.address': 'fd00::2',
    'network.peer.port': 40_000,
  };
  const [local, peer] = [
    { address: '10.0.0.1', port: 80 },
    { address: 'fd00::2', port: 40_000 },
  ];
  t.like(tracedSpan(span(ends)), { server: local, client: peer });
  t.like(tracedSpan(span(ends, { kind: 3 })), { server: peer, client: local });
});

test('what has a field of its own is no attribute', (t) => {
  const told = tracedSpan(
    span({ 'clover.incomplete': true, 'clover.stream_id': 7, 'url.path': '/' }),
  );
  t.like(told, { incomplete: true, streamId: 7 });
  t.deepEqual(told.attributes, { 'url.path': '/' });
  t.like(tracedSpan(span({})), { incomplete: false, streamId: null });
  t.false('events' in told);
});

test('events have their times', (t) => {
  const events = [{ name: 'ringing', timeNs: 5n, attributes: { 'sip.response.status_code': 180 } }];
  t.deepEqual(tracedSpan(span({}, { events })).events, [
    {
      name: 'ringing',
      time: '1970-01-01T00:00:00.000000005Z',
      attributes: { 'sip.response.status_code': 180 },
    },
  ]);
});
