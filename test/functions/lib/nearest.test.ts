import test from 'ava';
import { nearest } from '../../../functions/lib/nearest.ts';

test('a misspelt word finds what was meant', (t) => {
  const fields = ['match', 'name', 'split', 'timeout'];
  t.is(nearest('spilt', fields), 'split', 'neighbours swapped');
  t.is(nearest('tmeout', fields), 'timeout', 'a letter missing');
  t.is(nearest('Name', fields), 'name', 'another case');
  t.is(nearest('matchs', fields), 'match', 'a letter too many');
});

test('of several close words the closest is meant', (t) => {
  t.is(nearest('weigths', ['heights', 'weights', 'freight']), 'weights');
  t.is(nearest('v1', ['v2', 'v1']), 'v1');
});

test('a word that is far from all of them means none', (t) => {
  t.is(nearest('mirror', ['match', 'split']), undefined);
  t.is(nearest('x', []), undefined);
  t.is(nearest('x', ['a', 'xy']), undefined, 'one letter is no word');
  t.is(nearest('logs', ['looks']), undefined, 'two of four letters are another word');
  t.is(nearest('wait', ['edit']), undefined);
  t.is(nearest('rating', ['eating', 'gating', 'coatings']), 'eating', 'one slip may be the first');
  t.is(nearest('created', ['reacted', 'created-at']), 'created-at', 'two are not');
});

test('a word of a megabyte is not compared letter by letter with what is far shorter', (t) => {
  t.is(nearest('a'.repeat(1_000_000), ['a'.repeat(100_000)]), undefined);
});
