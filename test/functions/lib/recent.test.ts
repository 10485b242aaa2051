import test from 'ava';
import { createRecent } from '../../../functions/lib/recent.ts';

const bounds = { ms: 10, most: 2 };

/** One with a clock that is set, and what it was asked. */
function recent() {
  let time = 0;
  const asked: string[] = [];
  const answers = createRecent<string>({ ...bounds, now: () => time });
  return {
    asked,
    at: (ms: number) => (time = ms),
    get: (key: string) =>
      answers.get(key, async () => {
        asked.push(key);
        return `${key}${asked.length}`;
      }),
  };
}

test('an answer counts for its time, from when it was asked for', async (t) => {
  const { get, at, asked } = recent();
  t.is(await get('a'), 'a1');
  at(9);
  t.is(await get('a'), 'a1');
  at(10);
  t.is(await get('a'), 'a2');
  t.deepEqual(asked, ['a', 'a']);
});

test('the oldest goes where there are too many', async (t) => {
  const { get, at, asked } = recent();
  await get('a');
  await get('b');
  at(10);
  await get('a');
  await get('c');
  await get('a');
  t.deepEqual(asked, ['a', 'b', 'a', 'c'], 'b was the oldest one');
  await get('b');
  t.is(asked.length, 5);
});

test('who asks for the same at one time shares one answer', async (t) => {
  const { get, asked } = recent();
  t.deepEqual(await Promise.all([get('a'), get('a')]), ['a1', 'a1']);
  t.deepEqual(asked, ['a']);
});

const fails = async (): Promise<string> => {
  throw new Error('no');
};

test('what fails is asked for again', async (t) => {
  const answers = createRecent<string>(bounds);
  const both = await Promise.allSettled([answers.get('a', fails), answers.get('a', fails)]);
  t.deepEqual(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  t.is(await answers.get('a', async () => 'yes'), 'yes');
});
