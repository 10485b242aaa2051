import test from 'ava';
import { checkChain } from '../../cloverctl/commands/looks.ts';
import { look } from '../functions/api/server.ts';

const first = look(1, '0'.repeat(64));
const second = look(2, first.hash);
const flags = (looks: readonly (typeof first)[]): boolean[] =>
  checkChain(looks).map(({ chained }) => chained);

test('a whole chain of looks holds', (t) => {
  t.deepEqual(flags([first, second]), [true, true]);
});

test('a changed body, a missing look and a wrong predecessor break the chain', (t) => {
  t.deepEqual(flags([{ ...first, body: first.body.replace('PASS', 'FAIL') }, second]), [
    false,
    true,
  ]);
  t.deepEqual(flags([second]), [false]);
  t.deepEqual(flags([first, look(2, '1'.repeat(64))]), [true, false]);
});
