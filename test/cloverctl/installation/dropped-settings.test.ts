import test from 'ava';
import { droppedSettings, withoutPaths } from '../../../cloverctl/installation/dropped-settings.ts';

const current = { logLevel: 'warn', agent: { tls: true }, functions: { api: { minScale: 1 } } };
const older = {
  ...current,
  oldRoot: { a: 1 },
  agent: { ...current.agent, oldOfAgent: [] },
  functions: { ...current.functions, oldFunction: { minScale: 2 } },
};

test('settings that this version does not have are told by their paths', (t) => {
  t.deepEqual(droppedSettings(current), []);
  t.deepEqual(
    droppedSettings(older)
      .map((path) => path.join('.'))
      .toSorted(),
    ['agent.oldOfAgent', 'functions.oldFunction', 'oldRoot'],
  );
});

test('one that was taken back is none, and a bad value is not dropped', (t) => {
  t.deepEqual(droppedSettings({ oldRoot: null, agent: { oldOfAgent: null } }), []);
  t.deepEqual(droppedSettings({ logLevel: 'loud', schedules: ['old'] }), []);
});

test('what is dropped goes, and all else stays', (t) => {
  t.deepEqual(withoutPaths(older, droppedSettings(older)), current);
  const elsewhere = [['agent', 'tls', 'deeper'], ['nowhere', 'a'], ['gone']];
  t.deepEqual(withoutPaths(current, elsewhere), current);
});
