import { execFileSync } from 'node:child_process';

import test from 'ava';

import { createCapture } from '../../../native/capture/capture.ts';
import { gapsOf, pod } from './conversation.ts';
import { startTestbed } from './testbed.ts';

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
