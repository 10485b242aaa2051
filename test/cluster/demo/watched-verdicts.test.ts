import test from 'ava';
import { createWatchedVerdicts } from './watched-verdicts.ts';

test('the verdict of an experiment is what its last line says', (t) => {
  const watched = createWatchedVerdicts();
  const lines = [
    'NAME    TARGET   CONTROL   VARIANT   PHASE       STEP   WEIGHT   VERDICT   AGE',
    'PASS    proxy    v1        v2                                              0s',
    'shift   proxy    v1        v2        Running     1/1    50                 22s',
  ];
  for (const line of lines) watched.hear(line);
  t.deepEqual(watched.said, {});
  watched.hear('shift   proxy    v1        v2        Verifying          100      PASS      60s');
  watched.hear('drill   proxy    v2        v3        RollingBack          0    FAIL      8s');
  t.deepEqual(watched.said, { shift: 'PASS', drill: 'FAIL' });
  watched.hear('shift   proxy    v1        v2        Running     1/1    50                 1s');
  t.deepEqual(watched.said, { drill: 'FAIL' });
});
