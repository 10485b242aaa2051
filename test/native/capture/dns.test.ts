import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { Resolver } from 'node:dns/promises';

import test from 'ava';

import { gapsOf, readPackets, startNs } from './conversation.ts';
import {
  address,
  answerOf,
  changed,
  first,
  flags,
  flow,
  messageOf,
  nameOf,
  queryOf,
  second,
  types,
  www,
} from './dns.ts';

test('a query over UDP and its answer are one span', async (t) => {
  const answers = [
    { type: types.CNAME, data: nameOf('web') },
    { type: types.A, data: address },
    { type: types.AAAA, data: Buffer.from('20010db8000000000000000000000001', 'hex') },
  ];
  const { spans, ledger } = await readPackets(
    flow(['up', queryOf(1, www, types.A)], ['down', answerOf(1, www, types.A, answers)]),
  );
  t.is(spans.length, 1);
  t.like(spans[0], { name: 'DNS A', kind: 3, status: 0, startNs, endNs: startNs + 1_000_000n });
  t.deepEqual(spans[0]?.attributes, {
    'network.protocol.name': 'dns',
    'network.transport': 'udp',
    'server.address': '198.18.0.1',
    'server.port': 53,
    'dns.op_code': 'QUERY',
    'dns.question.name': 'www.example.com',
    'dns.question.type': 'A',
    'dns.response_code': 'NOERROR',
    'clover.dns.answer_count': 3,
    'dns.answers': '192.0.2.7, 2001:db8::1',
    'clover.time_to_first_byte': 1_000_000,
    'network.peer.address': '198.18.0.1',
    'network.peer.port': 53,
  });
  t.deepEqual(ledger.bytes.skipped, {});
  t.deepEqual(gapsOf(ledger), []);
});

for (const [rcode, name, asClient, asServer] of [
  [0, 'NOERROR', undefined, undefined],
  [1, 'FORMERR', 'FORMERR', undefined],
  [2, 'SERVFAIL', 'SERVFAIL', 'SERVFAIL'],
  [3, 'NXDOMAIN', 'NXDOMAIN', undefined],
  [5, 'REFUSED', 'REFUSED', undefined],
  [15, 'RCODE15', 'RCODE15', undefined],
] as const)
  test(`the response code ${name} is the status: an error where it is the server's fault or the client's loss`, async (t) => {
    const packets = flow(
      ['up', queryOf(1, www, types.A)],
      ['down', answerOf(1, www, types.A, [], rcode)],
    );
    const served = packets.map((one) => ({
      ...one,
      toPod: !one.toPod,
      podPort: 53,
      peerPort: 40_000,
    }));
    for (const [each, error] of [
      [packets, asClient],
      [served, asServer],
    ] as const) {
      const { spans } = await readPackets(each);
      t.is(spans[0]?.attributes['dns.response_code'], name);
      t.is(spans[0]?.attributes['error.type'], error);
    }
  });

test('EDNS extends the response code', async (t) => {
  const answer = messageOf({
    id: 1,
    flags: flags.response,
    questions: [{ name: www, type: types.A }],
    additions: [{ type: 41, data: Buffer.alloc(0), ttl: 1 << 24, name: Buffer.from([0]) }],
  });
  const { spans } = await readPackets(flow(['up', queryOf(1, www, types.A)], ['down', answer]));
  t.is(spans[0]?.attributes['dns.response_code'], 'BADVERS');
});

test('answers are told apart by id and question, in whatever order they come', async (t) => {
  const other = nameOf('other', 'example', 'com');
  const { spans, ledger } = await readPackets(
    flow(
      ['up', queryOf(1, www, types.A)],
      ['up', queryOf(1, www, types.AAAA)],
      ['up', queryOf(2, other, types.A)],
      ['down', answerOf(2, other, types.A, [], 3)],
      ['down', answerOf(1, www, types.AAAA, [], 2)],
      // Letters in another case are the same name.
      ['down', answerOf(1, nameOf('WWW', 'Example', 'com'), types.A)],
    ),
  );
  t.deepEqual(
    spans.map(({ attributes: a }) => [
      a['dns.question.name'],
      a['dns.question.type'],
      a['dns.response_code'],
    ]),
    [
      ['other.example.com', 'A', 'NXDOMAIN'],
      ['www.example.com', 'AAAA', 'SERVFAIL'],
      ['www.example.com', 'A', 'NOERROR'],
    ],
  );
  t.deepEqual(gapsOf(ledger), []);
});

test('a query that is sent again is one span that says how often', async (t) => {
  const query = queryOf(1, www, types.A);
  const answer = answerOf(1, www, types.A);
  const { spans, ledger } = await readPackets(
    flow(
      ['up', query],
      ['up', query],
      ['up', query],
      ['down', answer],
      ['down', answer],
      ['down', answer],
    ),
  );
  t.is(spans.length, 1);
  t.is(spans[0]?.attributes['clover.dns.retransmissions'], 2);
  t.like(ledger.requests, { seen: 1, spans: 1, open: 0, lost: {} });
  t.deepEqual(gapsOf(ledger), []);
});

test('a query that nobody answers fails after 5 s, counted from when it was sent last', async (t) => {
  const [one, two] = flow(['up', queryOf(1, www, types.A)], ['up', queryOf(1, www, types.A)]);
  if (one === undefined || two === undefined) throw new Error('no datagrams');
  const again = { ...two, timeNs: startNs + 5n * second + 1_000_000n };
  const { spans, ledger } = await readPackets([one, again], 30n * second);
  t.is(spans.length, 1);
  t.like(spans[0], { status: 2, endNs: again.timeNs + 5n * second });
  t.like(spans[0]?.attributes, { 'error.type': 'timeout', 'clover.dns.retransmissions': 1 });
  t.is(spans[0]?.attributes['dns.response_code'], undefined);
  t.deepEqual(gapsOf(ledger), []);
});

test('a query fails in time on a flow that is never quiet', async (t) => {
  const busy = Array.from({ length: 8 }, (_, at) => [
    ['up', queryOf(100 + at, www, types.A)] as const,
    ['down', answerOf(100 + at, www, types.A)] as const,
  ]).flat();
  const packets = flow(['up', queryOf(1, www, types.AAAA)], ...busy).map((one, at) =>
    changed(one, { timeNs: startNs + BigInt(at) * second }),
  );
  const { spans } = await readPackets(packets);
  t.is(spans.length, 9);
  t.is(spans.filter(({ attributes }) => attributes['error.type'] === 'timeout').length, 1);
});

test('an answer without a query is no request, unless it was asked before the capture began', async (t) => {
  const packets = flow(['down', answerOf(1, www, types.A)], ['down', answerOf(1, www, types.A)]);
  const soon = await readPackets(packets);
  t.like(soon.ledger.requests, { seen: 1, spans: 0, lost: { before_attach: 1 } });
  const [early, late] = packets;
  if (early === undefined || late === undefined) throw new Error('no datagrams');
  const { ledger } = await readPackets([
    { ...early, payload: Buffer.from('hello'), podPort: 1 },
    { ...late, timeNs: startNs + 6n * second },
  ]);
  t.like(ledger.requests, { seen: 0, spans: 0, lost: {} });
  t.deepEqual(gapsOf(ledger), []);
});

test('an answer is not taken from the side that asked', async (t) => {
  const { spans } = await readPackets(
    flow(
      ['up', queryOf(1, www, types.A)],
      ['down', queryOf(1, www, types.A)],
      ['up', answerOf(1, www, types.A)],
    ),
    12n * second,
  );
  t.deepEqual(
    spans.map(({ kind, attributes }) => [kind, attributes['error.type']]),
    [
      [2, undefined],
      [3, 'timeout'],
    ],
    'both ends ask, and one of them is answered',
  );
});

for (const destination of [
  [224, 0, 0, 251],
  [224, 0, 0, 252],
])
  test(`what is sent to the group ${destination.join('.')} is paired with nothing`, async (t) => {
    const port = { podPort: 5353, peerPort: 5353 };
    const sent = flow(['down', queryOf(0, nameOf('printer', 'local'), types.A)]);
    const replied = flow(['down', answerOf(0, nameOf('printer', 'local'), types.A)]);
    const { spans, ledger } = await readPackets(
      [
        ...sent.map((one) => changed(one, { ...port, destination })),
        ...replied.map((one) => changed(one, port)),
      ],
      20n * second,
    );
    t.deepEqual(spans, []);
    t.is(ledger.requests.seen, 0);
    t.true((ledger.bytes.skipped['multicast'] ?? 0) > 0);
    t.deepEqual(gapsOf(ledger), []);
  });

test('odd bytes of names are escaped as in zone files', async (t) => {
  const odd = nameOf('a.b', Buffer.from([0, 9, 255, 0x20]), 'x\\"(;)@$', 'ü');
  const { spans } = await readPackets(
    flow(
      ['up', queryOf(1, odd, types.TXT)],
      ['down', answerOf(1, odd, types.TXT)],
      ['up', queryOf(2, nameOf(), types.NS)],
    ),
    12n * second,
  );
  t.deepEqual(
    spans.map(({ attributes }) => attributes['dns.question.name']),
    ['a\\.b.\\000\\009\\255\\032.x\\\\\\"\\(\\;\\)\\@\\$.\\252', '.'],
  );
});

test('several questions are one span of the first', async (t) => {
  const questions = [
    { name: www, type: types.A },
    { name: first, type: types.AAAA },
  ];
  const { spans } = await readPackets(
    flow(
      ['up', messageOf({ id: 3, questions })],
      ['down', messageOf({ id: 3, flags: flags.response, questions })],
    ),
  );
  t.like(spans[0]?.attributes, {
    'dns.question.name': 'www.example.com',
    'clover.dns.questions': 2,
  });
});

test('an error that repeats no question is told by its id', async (t) => {
  const { spans } = await readPackets(
    flow(
      ['up', queryOf(7, www, types.A)],
      ['down', messageOf({ id: 7, flags: flags.response | 1 })],
    ),
  );
  t.is(spans[0]?.attributes['dns.response_code'], 'FORMERR');
});

test('other operations are named by theirs', async (t) => {
  const notify = messageOf({ id: 1, flags: 4 << 11, questions: [{ name: www, type: types.SOA }] });
  const { spans } = await readPackets(flow(['up', notify]), 12n * second);
  t.is(spans[0]?.name, 'DNS NOTIFY');
  t.is(spans[0]?.attributes['dns.op_code'], 'NOTIFY');
});

test('what a real resolver asks is told', async (t) => {
  const server = createSocket('udp4');
  t.teardown(() => server.close());
  const packets: (readonly ['up' | 'down', Buffer])[] = [];
  server.on('message', (query, { port, address: host }) => {
    const end = query.indexOf(0, 12) + 5;
    const answer = Buffer.concat([
      query.subarray(0, end),
      first,
      Buffer.from([0, query[end - 3] ?? 0, 0, 1, 0, 0, 0, 9, 0, 4]),
      address,
    ]);
    answer.writeUInt16BE(0x81_80, 2);
    answer.fill(0, 6, 12);
    answer[7] = 1;
    packets.push(['up', query], ['down', answer]);
    server.send(answer, port, host);
  });
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  const resolver = new Resolver({ tries: 1 });
  resolver.setServers([`127.0.0.1:${server.address().port}`]);
  t.deepEqual(await resolver.resolve4('a.example'), ['192.0.2.7']);
  const { spans, ledger } = await readPackets(flow(...packets));
  t.like(spans[0]?.attributes, { 'dns.question.name': 'a.example', 'dns.question.type': 'A' });
  t.is(spans[0]?.attributes['dns.answers'], '192.0.2.7');
  t.deepEqual(ledger.bytes.skipped, {});
});
