import test from 'ava';
import { joinWatermarks, type Standing } from '../../../functions/evidence/join-watermarks.ts';

const standing = (source: string, heardAt: number, resting: boolean): Standing => ({
  source,
  heardAt,
  watermarkMs: heardAt,
  resting,
});

const join = (now: number, ...standings: readonly Standing[]): number | undefined =>
  joinWatermarks(standings, now, 15_000);

test('nothing is known without a source', (t) => {
  t.is(join(1_000), undefined);
});

test('a rest does not cover a later start of the same node that fell silent', (t) => {
  const old = standing('/nodes/a/1', 1_000_000, true);
  t.is(join(1_050_000, old), 1_045_000);
  t.is(join(1_050_000, old, standing('/nodes/a/2', 1_020_000, false)), undefined);
  t.is(join(1_050_000, standing('/nodes/a/2', 1_020_000, true), old), 1_045_000);
  t.is(join(1_050_000, old, standing('/nodes/a/2', 1_000_000, false)), undefined, 'in doubt');
});

test('a node that fell silent is no reason to call others silent that rest', (t) => {
  const gone = standing('/nodes/a/1', 1_000_000, false);
  t.is(join(1_050_000, gone, standing('/nodes/b/1', 1_000_000, true)), 1_045_000);
});

test('while one source reports, those that rest say nothing of time', (t) => {
  const reporting = standing('/nodes/a/1', 1_049_000, false);
  t.is(join(1_050_000, reporting, standing('/nodes/b/1', 1_000_000, true)), 1_049_000);
});
