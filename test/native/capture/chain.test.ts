import { execFileSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';

import test from 'ava';

import { createCapture } from '../../../native/capture/capture.ts';
import { pod } from './conversation.ts';
import { type DecodedSpan, decodeSpans } from './otlp.ts';
import { bpfIdsOf, startTestbed } from './testbed.ts';

/** Looks again until it is so; the chain itself is looked at every 5 s. */
async function until(so: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 400 && !so(); tries += 1) await delay(100);
  return so();
}

const options = { boot: '8899aabbccddeeff', ringBytes: 65_536, onBatch: () => undefined } as const;

// Serial: each attaches kernel programs.
test.serial(
  'a capture that somebody detaches from a chain of tcx comes back, and says so',
  async (t) => {
    t.timeout(60_000);
    const bed = await startTestbed();
    t.teardown(() => bed[Symbol.dispose]());
    const spans: DecodedSpan[] = [];
    const capture = createCapture({
      ...options,
      onBatch: ({ otlp }) => spans.push(...decodeSpans(otlp)),
    });
    t.teardown(() => capture.close());
    const before = new Set(bpfIdsOf('self').links);
    t.is(capture.attach(bed.ifindex, pod), 'tcx');
    const link = bpfIdsOf('self').links.find((id) => !before.has(id));
    execFileSync('bpftool', ['link', 'detach', 'id', String(link)]);
    t.true(await until(() => capture.ledger().wire.reattached === 1));
    await fetch(`http://${bed.address}:${bed.port}/small`).then((answer) => answer.text());
    await capture.flush();
    t.is(spans.length, 1);
    t.is(spans[0]?.attributes['clover.incomplete'], undefined);
  },
);

test.serial(
  'programs that came before the capture, and stay there, are told until they go',
  async (t) => {
    t.timeout(90_000);
    const bed = await startTestbed();
    t.teardown(() => bed[Symbol.dispose]());
    const [first, second] = [createCapture(options), createCapture(options)];
    t.teardown(() => Promise.all([first.close(), second.close()]));
    first.attach(bed.ifindex, pod);
    t.deepEqual(first.overtaken(), []);
    const others = new Set(bpfIdsOf('self').programs);
    second.attach(bed.ifindex, pod);
    t.true(await until(() => first.overtaken().length > 0));
    const [told] = first.overtaken();
    t.is(told?.point, bed.ifindex);
    t.is(told?.programs.length, 2);
    t.true(told?.programs.every((id) => others.has(id)));
    t.deepEqual(second.overtaken(), []);
    second.detach(bed.ifindex);
    t.true(await until(() => first.overtaken().length === 0));
  },
);
