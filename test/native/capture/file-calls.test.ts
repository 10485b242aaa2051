import test from 'ava';

import { pcapFile, readFileInChunks } from './capture-file.ts';
import { gapsOf, startNs } from './conversation.ts';
import { address, answerOf, changed, flow, nameOf, queryOf, second, types, www } from './dns.ts';
import { frameOf, type UdpDatagram } from './frames.ts';
import { callOf } from './sip.ts';

const told = (packets: readonly UdpDatagram[]) =>
  readFileInChunks(pcapFile(packets.map((one) => ({ timeNs: one.timeNs, bytes: frameOf(one) }))));

test('a call in a file gives its transactions and its dialog', (t) => {
  const { spans, ledger } = told(callOf('c-1'));
  t.deepEqual(
    spans.map(({ name, attributes: a }) => `${name} ${a['sip.response.status_code']}`),
    ['INVITE 200', 'BYE 200', 'SIP dialog 200'],
  );
  t.deepEqual(gapsOf(ledger), []);
});

test('what a file has the end of no more is incomplete', (t) => {
  const { spans, ledger } = told([
    ...callOf('c-1').slice(0, 3),
    ...flow(['up', queryOf(1, www, types.A)]).map((one) =>
      changed(one, { timeNs: startNs + second }),
    ),
  ]);
  t.deepEqual(
    spans
      .map(({ name, attributes: a }) => [name, a['clover.incomplete'], a['error.type']].join(' '))
      .toSorted(),
    ['DNS A 1 ', 'INVITE 1 ', 'SIP dialog 1 '],
  );
  t.deepEqual(ledger.requests.lost, {});
  t.deepEqual(gapsOf(ledger), []);
});

test('an INVITE that was answered is whole, though its ACK is not in the file', (t) => {
  const { spans } = told(callOf('c-1').slice(0, 4));
  t.deepEqual(
    spans.map(({ name, attributes: a }) =>
      [name, a['sip.response.status_code'], a['clover.incomplete']].join(' '),
    ),
    ['INVITE 200 ', 'SIP dialog 200 1'],
  );
});

test('queries in a file fail by the clock of its packets', (t) => {
  const other = nameOf('other');
  const { spans } = told(
    flow(
      ['up', queryOf(1, www, types.A)],
      ['up', queryOf(2, other, types.A)],
      ['down', answerOf(2, other, types.A, [{ type: types.A, data: address }])],
      ['up', queryOf(3, other, types.A)],
      ['down', answerOf(3, other, types.A)],
    ).map((one, at) => changed(one, { timeNs: startNs + BigInt(at) * 3n * second })),
  );
  t.deepEqual(
    spans.map(({ attributes: a }) => a['dns.response_code'] ?? a['error.type']),
    ['NOERROR', 'timeout', 'NOERROR'],
  );
});
