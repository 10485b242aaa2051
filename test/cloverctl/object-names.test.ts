import test from 'ava';
import { objectNames } from '../../cloverctl/object-names.ts';

test('an object that is named twice is meant once, whatever its kind is called', (t) => {
  for (const words of [
    ['tap', 'web', 'db', 'web'],
    ['tap/web', 'taps/db', 'Tap/web'],
  ]) {
    const { objects } = objectNames(words);
    t.deepEqual(
      objects.map(({ info, name }) => `${info.kind}/${name}`),
      ['Tap/web', 'Tap/db'],
    );
  }
});
