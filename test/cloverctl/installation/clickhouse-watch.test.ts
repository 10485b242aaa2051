import test from 'ava';
import type { ClickHouseAnswer } from '../../../cloverctl/installation/clickhouse-answer.ts';
import { watchClickHouse } from '../../../cloverctl/installation/clickhouse-watch.ts';

const unasked: ClickHouseAnswer = { state: 'unasked', why: 'no pod of ingest is ready' };
const silent: ClickHouseAnswer = { state: 'silent', why: 'wrong password' };
const answers: ClickHouseAnswer = { state: 'answers' };

/** What is found when these are the answers, one after another, and work is over after the last one. */
const found = async (...all: readonly ClickHouseAnswer[]): Promise<ClickHouseAnswer> => {
  const work = Promise.withResolvers<void>();
  const left = [...all];
  const ask = async (): Promise<ClickHouseAnswer> => {
    const next = left.shift() ?? unasked;
    if (left.length === 0) work.resolve();
    return next;
  };
  const clock = { now: () => 0, sleep: async () => undefined };
  const { signal } = new AbortController();
  return watchClickHouse(ask, work.promise, { clock, signal });
};

test('who comes late is asked, and what a function said counts when it has gone', async (t) => {
  t.deepEqual(await found(unasked, unasked, answers), answers);
  t.deepEqual(await found(unasked, silent, unasked), silent);
  t.deepEqual(await found(unasked, answers, unasked), answers);
  t.deepEqual(await found(unasked, unasked), unasked);
});

test('what was said last counts: one of before the upgrade may answer first', async (t) => {
  t.deepEqual(await found(answers, unasked, silent), silent);
  t.deepEqual(await found(silent, answers), answers);
});

test('who becomes ready with the last of all is asked, too', async (t) => {
  const ready = Promise.resolve();
  let asked = 0;
  const ask = async (): Promise<ClickHouseAnswer> => {
    asked += 1;
    return asked === 1 ? unasked : answers;
  };
  const clock = { now: () => 0, sleep: () => new Promise<void>(() => undefined) };
  const { signal } = new AbortController();
  t.deepEqual(await watchClickHouse(ask, ready, { clock, signal }), answers);
});

test('when work fails, asking ends', async (t) => {
  const late = Promise.reject(new Error('late'));
  const clock = { now: () => 0, sleep: async () => undefined };
  const { signal } = new AbortController();
  t.deepEqual(await watchClickHouse(async () => silent, late, { clock, signal }), silent);
});
