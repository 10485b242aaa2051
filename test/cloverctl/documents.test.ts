import process from 'node:process';
import test from 'ava';
import { parse, readManifests } from '../../cloverctl/documents.ts';
import { createCliEnv } from '../../cloverctl/env.ts';
import { readEvents } from '../../cloverctl/event-files.ts';
import { examples } from '../functions/resources/examples.ts';

const code = 'CLV_RESOURCE_INVALID';
const parsed = (body: string) => parse(body, 'f.yaml', { namespace: 'default' });
const typo = { ...examples.Tap, kind: 'Tpa' };

const list = (...items: readonly unknown[]) => JSON.stringify({ kind: 'List', items });

const withPort = (port: string) => `apiVersion: clover.dev/v1alpha1
kind: Tap
metadata: { name: web, labels: { code: "007" } }
spec: { ports: [${port}] }
`;

const annotated = (escape: string) =>
  JSON.stringify({
    ...examples.Tap,
    metadata: { name: 'web', annotations: { a: '?' } },
  }).replace('"?"', `"${escape}"`);

test('an item of a list that is no resource is named by its index, and so are all others', async (t) => {
  const one = await t.throwsAsync(parsed(list(examples.Tap, typo)), { code });
  t.regex(one.message, /^f\.yaml items\[1\] is no Clover resource: kind: found "Tpa"/);
  const some = await t.throwsAsync(parsed(`${list(typo, examples.Tap, 7)}\n---\n${list(typo)}`));
  t.is(some.message, 'f.yaml holds 3 documents or items that are no Clover resources');
  const places = ['document 1 items[0]', 'document 1 items[2]', 'document 2 items[0]'];
  t.like(some, { details: places.map((place) => ({ field: `f.yaml ${place}` })) });
  const good = await parsed(list(examples.Tap, examples.TrafficPolicy));
  t.deepEqual(
    good.map(({ where }) => where),
    ['f.yaml items[0]', 'f.yaml items[1]'],
  );
});

test('what is no object at all is told without an empty field', async (t) => {
  const { message } = await t.throwsAsync(parsed('7'), { code });
  t.is(message, 'f.yaml is no Clover resource: found 7; expected object');
});

test('a number with a leading zero is refused with the line, a text with one is not', async (t) => {
  for (const port of ['010', '-01', '+08']) {
    const { message } = await t.throwsAsync(parsed(withPort(port)), { code });
    t.true(message.startsWith(`f.yaml: line 4: found ${port}; a number has no leading zero`));
  }
  for (const port of ['0', '0.5', '0x1f', '10', '"010"'])
    t.is((await parsed(withPort(port))).length, 1);
});

test('half of a surrogate pair is refused, a whole one is not', async (t) => {
  const { message } = await t.throwsAsync(parsed(annotated(String.raw`x\ud800`)), { code });
  t.is(
    message,
    String.raw`f.yaml: line 1: found "x\ud800"; half of a surrogate pair is no character`,
  );
  t.is((await parsed(annotated(String.raw`\ud83c\udf40`))).length, 1);
});

test('a file that cannot be read is told in plain words', async (t) => {
  const env = createCliEnv(process);
  const said = {
    code: 'CLV_ARGUMENT_INVALID',
    message: 'cannot read nonexist: there is no such file or folder',
  };
  await t.throwsAsync(readManifests(['nonexist'], env, { namespace: 'default' }), said);
  await t.throwsAsync(readEvents('nonexist', env), said);
});
