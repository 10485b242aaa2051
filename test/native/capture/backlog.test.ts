import { execFileSync } from 'node:child_process';

import test from 'ava';

import { createCapture } from '../../../native/capture/capture.ts';
import { gapsOf, pod } from './conversation.ts';
import { startTestbed } from './testbed.ts';

test('spans of batches that nobody takes become a counted loss, and memory stays bounded', async (t) => {
  using bed = await startTestbed();
  let taken = 0;
  // Tiny batches: each span closes one.
  const capture = createCapture({
    boot: '8899aabbccddeeff',
    batchBytes: 1,
    onBatch: ({ spans }) => {
      taken += spans;
    },
  });
  capture.attach(bed.ifindex, pod);
  // Synchronous, so that this thread takes no batch meanwhile.
  const url = JSON.stringify(`http://${bed.address}:${bed.port}/small`);
  const load = `for (let i = 0; i < 100; i++) await (await fetch(${url})).text();`;
  execFileSync(process.execPath, ['--input-type=module', '-e', load]);
  const { requests } = capture.ledger();
  t.is(requests.seen, 100);
  t.deepEqual(requests.lost, { backlog: 68 });
  await capture.flush();
  t.is(taken, 32);
  t.deepEqual(gapsOf(capture.ledger()), []);
  await capture.close();
});
