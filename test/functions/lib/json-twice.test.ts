import test from 'ava';
import fc from 'fast-check';
import { membersTwice } from '../../../functions/lib/json-twice.ts';

const twice = (text: string): readonly string[] => membersTwice(Buffer.from(text));

test('members that come twice are found at any depth, also where they are spelled differently', (t) => {
  const text =
    '{"a": [{"weight": 1, "b": {"c": 1, "\\u0063": 2}, "weight": 2}], "a": [], "weight": 3}';
  t.deepEqual(twice(text), ['a[0].b.c', 'a[0].weight', 'a']);
  t.deepEqual(twice('{"__proto__": 1, "__proto__": {}}'), ['__proto__']);
});

test('no more than 100 are told', (t) => {
  t.is(twice(`{${'"a":1,'.repeat(300)}"b":1}`).length, 100);
});

test('what no JSON is, and what is nested too deep, throws', (t) => {
  const bad = ['{"a":1,}', '{"a":1} x', '', `${'['.repeat(5_000)}${']'.repeat(5_000)}`];
  for (const text of bad)
    t.throws(() => twice(text), { instanceOf: SyntaxError }, text.slice(0, 9));
});

test('a text made of a value has no member twice', (t) => {
  fc.assert(fc.property(fc.jsonValue(), (value) => t.deepEqual(twice(JSON.stringify(value)), [])));
});
