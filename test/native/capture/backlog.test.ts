import { execFileSync } from 'node:child_process';

import test from 'ava';

import { createCapture } from '../../../native/capture/capture.ts';
import { gapsOf, pod } from './conversation.ts';
import { startTestbed } from './testbed.ts';
import { handshake, opcode, pushed, sent } from './websocket.ts';

test('spans and records of batches that nobody takes become a counted loss, and memory stays bounded', async (t) => {
  using bed = await startTestbed();
  const taken = { spans: 0, records: 0 };
  // Tiny batches: each request closes one of spans and one of records.
  const capture = createCapture({
    boot: '8899aabbccddeeff',
    batchBytes: 1,
    onBatch: ({ spans }) => {
      taken.spans += spans;
    },
    onRecords: ({ records }) => {
      taken.records += records;
    },
  });
  capture.attach(bed.ifindex, pod, { accessLog: true });
  // Synchronous, so that this thread takes no batch meanwhile.
  const url = JSON.stringify(`http://${bed.address}:${bed.port}/small`);
  const load = `for (let i = 0; i < 100; i++) await (await fetch(${url})).text();`;
  execFileSync(process.execPath, ['--input-type=module', '-e', load]);
  const { requests, accessLog } = capture.ledger();
  t.is(requests.seen, 100);
  t.deepEqual(requests.lost, { backlog: 84 });
  t.deepEqual(accessLog, { records: 16, lost: 84 });
  await capture.flush();
  t.deepEqual(taken, { spans: 16, records: 16 });
  t.deepEqual(gapsOf(capture.ledger()), []);
  await capture.close();
});

test('sessions of WebSocket that nobody takes become a loss of their own', async (t) => {
  using bed = await startTestbed();
  const capture = createCapture({ boot: '8899aabbccddeeff', batchBytes: 1, onBatch() {} });
  capture.attach(bed.ifindex, pod);
  const [ask = '', accept = '', bye = '', answer = ''] = [
    ...handshake().map(({ bytes }) => bytes),
    sent(opcode.close, ''),
    pushed(opcode.close, ''),
  ].map((bytes) => JSON.stringify(Buffer.from(bytes).toString('latin1')));
  await bed.run(`
    import { createServer } from 'node:net';
    const serve = (socket) => socket.once('data', () => {
      socket.write(${accept}, 'latin1');
      socket.once('data', () => socket.end(${answer}, 'latin1'));
    });
    createServer(serve).listen(8081, '${bed.address}', () => console.log('listens'));`);
  const talk = `
    import { connect } from 'node:net';
    import { once } from 'node:events';
    for (let i = 0; i < 40; i++) {
      const socket = connect(8081, '${bed.address}');
      socket.write(${ask}, 'latin1');
      await once(socket, 'data');
      socket.write(${bye}, 'latin1');
      socket.resume();
      await once(socket, 'close');
    }`;
  // Synchronous, so that this thread takes no batch meanwhile: 32 of the 80 that come stay.
  execFileSync(process.execPath, ['--input-type=module', '-e', talk]);
  const { requests, sessions } = capture.ledger();
  const half = { seen: 40, spans: 16, sampledOut: 0, open: 0, lost: { backlog: 24 } };
  t.deepEqual([requests, sessions], [half, half]);
  t.deepEqual(gapsOf(capture.ledger()), []);
  await capture.close();
});
