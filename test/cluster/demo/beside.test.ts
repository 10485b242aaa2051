import test from 'ava';
import { onChange } from './beside.ts';

test('of lines that differ by the age alone only the first is passed on', (t) => {
  const heard: string[] = [];
  const hear = onChange((line) => heard.push(line));
  const lines = [
    'NAME    PHASE     AGE',
    'shift             0s',
    'shift   Running   1s',
    'shift   Running   2s',
    'drill   Running   2s',
    'shift   Running   3s',
    'shift   Failed    4s',
  ];
  for (const line of lines) hear(line);
  t.deepEqual(heard, [lines[0], lines[1], lines[2], lines[4], lines[6]]);
});
