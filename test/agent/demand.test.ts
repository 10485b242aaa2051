import { setImmediate as nextTurn } from 'node:timers/promises';
import test from 'ava';
import { createDemand } from '../../agent/demand.ts';
import type { HttpRequest } from '../../agent/http-client.ts';

interface Bed {
  readonly taps?: number;
  attached: number;
  attaches: number;
  nowMs: number;
  readonly asked: HttpRequest[];
}

const demandOn = (bed: Bed) =>
  createDemand({
    attachments: () => bed,
    taps: () => bed.taps ?? 0,
    ingest: {
      request: async (request) => {
        bed.asked.push(request);
        throw new Error('connection refused');
      },
    },
    now: () => bed.nowMs,
  });

test('while there is a Tap ingest is asked for, also if no pod has started and it does not answer', async (t) => {
  const bed: Bed = { taps: 1, attached: 0, attaches: 0, nowMs: 1_000, asked: [] };
  const demand = demandOn(bed);
  await nextTurn();
  t.false(demand.exists(), 'nothing to report');
  await demand.stop();
  t.like(bed.asked[0], { method: 'GET', path: '/health/ready' });
});

test('without a Tap nobody is asked, and there is nothing to report', async (t) => {
  const bed: Bed = { attached: 0, attaches: 0, nowMs: 1_000, asked: [] };
  const demand = demandOn(bed);
  await nextTurn();
  t.false(demand.exists());
  await demand.stop();
  t.deepEqual(bed.asked, []);
});

test('after the last pod there are reports for ten seconds more', async (t) => {
  const bed: Bed = { attached: 1, attaches: 1, nowMs: 1_000, asked: [] };
  const demand = demandOn(bed);
  t.true(demand.exists());
  bed.attached = 0;
  bed.nowMs += 9_999;
  t.true(demand.exists());
  bed.nowMs += 1;
  t.false(demand.exists());
  await demand.stop();
});

test('a pod that came and went between two reports has its report', async (t) => {
  const bed: Bed = { attached: 0, attaches: 0, nowMs: 1_000, asked: [] };
  const demand = demandOn(bed);
  t.false(demand.exists());
  bed.attaches = 1;
  bed.nowMs += 1_000;
  t.true(demand.exists());
  bed.nowMs += 9_999;
  t.true(demand.exists());
  bed.nowMs += 1;
  t.false(demand.exists());
  await demand.stop();
});
