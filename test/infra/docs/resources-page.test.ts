import { readFile } from 'node:fs/promises';
import test from 'ava';
import { documentExamples } from '../../../functions/api/operations/examples.ts';
import { admitDocument } from '../../../functions/resources/admission.ts';
import { conditionMeanings } from '../../../infra/docs/resource-conditions.ts';
import { fieldRows } from '../../../infra/docs/schema-fields.ts';
import { resourceSchema } from '../../../knative/crd.ts';
import { kinds } from '../../../knative/resources/kinds.ts';

test('the example of the page is admitted, and there is one for every kind that users write', (t) => {
  for (const { kind, writable } of kinds) {
    const document = documentExamples[kind];
    t.is(document !== undefined, writable, kind);
    if (document !== undefined) t.notThrows(() => admitDocument(kind, document));
  }
});

for (const { kind } of kinds) {
  test(`every field of ${kind} is told in a sentence`, (t) => {
    const rows = fieldRows(resourceSchema(kind), '', []);
    t.true(rows.length > 10);
    for (const { field, meaning } of rows) t.regex(meaning, /^[A-Z`].*[.]$/, field);
  });
}

const sources = [
  'evaluate/blind.ts',
  'evaluate/mirror.ts',
  'evaluate/overlay.ts',
  'evaluate/tap-statuses.ts',
  'mesh/target.ts',
  'policy/policy-status.ts',
];

test('the conditions of the page are those that the code sets, and no reason is missing', async (t) => {
  const texts = await Promise.all(
    sources.map((name) => readFile(new URL(`../../../functions/${name}`, import.meta.url), 'utf8')),
  );
  const code = texts.join('\n');
  const listed = new Set(
    Object.values(conditionMeanings).flatMap((list) => list.map(({ reason }) => reason)),
  );
  const set = [...code.matchAll(/reason: '(\w+)'|claim\('\w+', '\w+', '(\w+)'/g)].map(
    ([, one, other]) => one ?? other ?? '',
  );
  t.true(set.length > 15);
  for (const reason of set) t.true(listed.has(reason), `${reason} is set, and not on the page`);
  for (const [kind, list] of Object.entries(conditionMeanings)) {
    for (const { type, status, reason } of list) {
      t.true(code.includes(`'${type}'`), `${kind}: no ${type} is set`);
      // While a run goes on, its phase is the reason.
      if (type === 'Progressing' && status === 'True') continue;
      t.true(code.includes(`'${reason}'`), `${kind}: no ${reason} is set`);
    }
  }
});
