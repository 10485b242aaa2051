import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { z } from 'zod';
import { parsePath, parseTemplate } from '../../../../cloverctl/output/json-path/parse.ts';
import { evaluate } from '../../../../cloverctl/output/json-path/evaluate.ts';
import { render, valueText } from '../../../../cloverctl/output/json-path/render.ts';
import { CloverError } from '../../../../functions/lib/errors.ts';

/** What kubectl 1.32 printed: `kubectl patch --local -o jsonpath=…`; null where it failed. */
const { object, cases } = z
  .object({ object: z.unknown(), cases: z.array(z.tuple([z.string(), z.string().nullable()])) })
  .parse(JSON.parse(readFileSync(new URL('kubectl.json', import.meta.url), 'utf8')));

const show = (template: string, value: unknown = object): string =>
  render(parseTemplate(template), value);

function outcome(template: string): string | null {
  try {
    return show(template);
  } catch (error) {
    if (error instanceof CloverError) return null;
    throw error;
  }
}

test('templates print and fail as with kubectl', (t) => {
  t.true(cases.length > 140);
  for (const [template, expected] of cases) t.is(outcome(template), expected, template);
});

test('where it differs from kubectl, it says more', (t) => {
  t.is(show("{.metadata.labels['app.kubernetes.io/name']}"), 'n');
  t.is(show('{.metadata["name"]} {.spec["a.b"]}'), 'x dotted');
  t.is(show(String.raw`{.spec['it\'s']}`), 'quote');
  t.is(show('{.spec.list[ 0 ]}'), '1');
  t.is(show('{.spec.objs[?(@.v>=2)].name}'), 'b c');
  t.is(show('{.spec.objs[?(2.0==@.v)].name}'), 'b');
  t.is(show('{..name}'), 'x a b c a');
  t.is(show('{.metadata.*}'), 'x {"app":"web","app.kubernetes.io/name":"n"}');
  t.is(show('{.spec.objs[?(@.tags[?(@=="p")])].name}'), 'a');
  for (const template of ['{.spec.list[]}', '{.}', '{.kind.}']) t.is(outcome(template), null);
});

test('an error names the place and what would be right', (t) => {
  for (const [template, message] of [
    ['{.a', /at character 1 found \{ without the \}/],
    ['x{.a &}', /at character 6 found "&"; expected \.name/],
    ['{.a[x]}', /at character 5 found "x"; expected an index/],
    ['{kind}', /at character 2 found the word kind; did you mean \.kind/],
    ['{.spec.list[7]}', /at character 13 stands the index 7 of an array of 3/],
    ['{"a\\q"}', /at character 4 found the escape "\\\\q"/],
    ['{.a[?(@.b=~"x")]}', /at character 10 found the operator =~; allowed: !=/],
    ['{range .a}'.repeat(40), /more than 32 ranges/],
    [`{${'[?('.repeat(40)}`, /more than 32 filters/],
  ] as const) {
    const error = t.throws(() => show(template), { instanceOf: CloverError });
    t.is(error.code, 'CLV_ARGUMENT_INVALID');
    t.regex(error.message, message);
  }
});

test('a path alone is written as kubectl takes it for columns and orders', (t) => {
  for (const path of ['metadata.name', '.metadata.name', '{.metadata.name}', '{metadata.name}']) {
    t.deepEqual(evaluate(parsePath(path), object), ['x'], path);
  }
  t.deepEqual(evaluate(parsePath('$.spec.list[*]'), object), [1, 2, 3]);
  for (const path of ['', '{', '{.a}{.b}', '{.a', '.a}', 'a b']) {
    t.throws(() => parsePath(path), { instanceOf: CloverError }, path);
  }
});

const alphabet = [
  ...'{ } [ ] ( ) . , : * ? @ $ \' " \\ < > = ! ~ - + 0 1 a b true end {end} [?(@ ..'.split(' '),
  ' ',
  '\n',
  'range ',
];
const templates = fc
  .array(fc.constantFrom(...alphabet), { maxLength: 40 })
  .map((all) => all.join(''));

test('no template and no value crashes it, and every error has its place', (t) => {
  fc.assert(
    fc.property(
      fc.oneof(templates, fc.string({ unit: 'binary' })),
      fc.jsonValue(),
      (text, value) => {
        try {
          return typeof show(text, value) === 'string';
        } catch (error) {
          if (!(error instanceof CloverError)) throw error;
          const place = Number(/^jsonpath: at character (\d+) \S/.exec(error.message)?.[1]);
          return place >= 1 && place <= text.length + 1;
        }
      },
    ),
    { numRuns: 3_000 },
  );
  t.pass();
});

test('every field of every object is found by its escaped name', (t) => {
  const key = fc.string({ unit: 'grapheme', minLength: 1 }).filter((name) => name !== '__proto__');
  fc.assert(
    fc.property(fc.dictionary(key, fc.jsonValue(), { minKeys: 1 }), (value) =>
      Object.entries(value).every(([name, inner]) => {
        const escaped = name.replaceAll(/./gsu, String.raw`\$&`);
        return show(`{.${escaped}}`, value) === valueText(inner);
      }),
    ),
  );
  t.pass();
});
