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
});
