import { readFile, writeFile } from 'node:fs/promises';
import test from 'ava';
import fc from 'fast-check';
import { kinds, type Kind } from '../../../knative/resources/kinds.ts';
import { canonicalJson } from '../../../functions/lib/canonical-json.ts';
import { isRecord } from '../../../functions/lib/plain-value.ts';
import { judgeDocument } from '../../../functions/resources/schema/judge-document.ts';
import { ruleErrors } from '../../../functions/resources/schema/rule-errors.ts';
import { documentSchema } from '../../../knative/crd.ts';
import { examples } from '../../functions/resources/examples.ts';
import { least, recordedDocuments } from './cases.ts';
import { brokenOnce, changedAt, documentOf } from './documents.ts';
import { startOracle } from './oracle.ts';

const oracle = await startOracle();
test.after.always(() => oracle.close());

const runs = Number(process.env['CRD_RUNS'] ?? 1_500);

const specOf = (value: unknown): unknown => (isRecord(value) ? value['spec'] : undefined);

const exampleRun = changedAt(least.ExperimentRun, ['spec', 'plan'], examples.Experiment.spec);
const exampleOf = (kind: Kind): unknown => (kind === 'ExperimentRun' ? exampleRun : examples[kind]);

/** An API server takes the one of the URL in place of an empty one; here it is refused. */
function namesNoNamespace(document: unknown): boolean {
  const metadata = isRecord(document) ? document['metadata'] : undefined;
  return isRecord(metadata) && metadata['namespace'] === '';
}

for (const { kind } of kinds) {
  test(`an API server takes the definition of ${kind}, its rules and their costs`, (t) => {
    t.deepEqual(oracle.definitions.get(kind), { accepted: true, errors: [] });
  });

  const documents: readonly [string, fc.Arbitrary<unknown>][] = [
    ['by its schema', documentOf(kind, 0)],
    ['nearly by its schema', documentOf(kind, 60)],
    ['far from its schema', documentOf(kind, 6)],
    ['with one place broken', brokenOnce(exampleOf(kind))],
    ['with two places broken', brokenOnce(exampleOf(kind)).chain(brokenOnce)],
    ['of any form', fc.jsonValue()],
  ];
  for (const [title, arbitrary] of documents) {
    test(`documents of ${kind} ${title} fare here as with an API server`, async (t) => {
      let accepted = 0;
      let refusedByRules = 0;
      await fc.assert(
        fc.asyncProperty(arbitrary, async (document) => {
          fc.pre(!namesNoNamespace(document));
          const theirs = await oracle.ask(document);
          const { whole, misfits, broken } = judgeDocument(kind, document);
          const ours = misfits.length + broken.length === 0;
          t.is(ours, theirs.accepted, canonicalJson({ document, misfits, broken, theirs }));
          if (ours) {
            accepted += 1;
            t.deepEqual(specOf(whole), theirs.object?.spec);
          }
          // An API server looks at no rule while anything does not fit; here those of the parts that fit are told at once.
          if (misfits.length > 0) return;
          // The same rules at the same places, in the same words.
          const rules = broken.flatMap(({ field, rule }) =>
            rule === undefined ? [] : [{ field, message: rule.message }],
          );
          if (rules.length > 0) refusedByRules += 1;
          for (const { field, message } of rules) {
            t.true(
              theirs.errors.some((text) => text.startsWith(`${field}: `) && text.endsWith(message)),
              `${field}: ${message}: ${theirs.errors.join('\n')}`,
            );
          }
        }),
        { numRuns: runs },
      );
      t.log(`${runs} documents, ${accepted} accepted, ${refusedByRules} refused by rules`);
    });
  }
}

test('a run is immutable here as with an API server', async (t) => {
  await fc.assert(
    fc.asyncProperty(brokenOnce(exampleRun), async (document) => {
      const { whole, misfits, broken } = judgeDocument('ExperimentRun', document);
      if (misfits.length + broken.length > 0) return;
      const theirs = await oracle.ask(document, exampleRun);
      const schema = documentSchema('ExperimentRun');
      const ours = ruleErrors(schema, { spec: specOf(whole) }, { spec: specOf(exampleRun) });
      t.is(ours.length === 0, theirs.accepted, canonicalJson({ document, ours, theirs }));
    }),
    { numRuns: runs },
  );
});

const oneCharOf = (chars: string): fc.Arbitrary<string> => fc.constantFrom(...Array.from(chars));

const address = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.string({ unit: oneCharOf('0123456789abcdefABCDEF:::...%g'), maxLength: 45 }),
  fc.tuple(fc.ipV6(), fc.ipV4()).map(([six, four]) => six.replace(/:[^:]*$/, `:${four}`)),
  fc.ipV4().map((four) => `::ffff:${four}`),
);
const duration = fc.oneof(
  fc.string({ unit: oneCharOf('0123456789mshd.-+ µ'), maxLength: 17 }),
  fc.tuple(fc.nat(), fc.constantFrom('ms', 's', 'm', 'h', 'd')).map(([n, unit]) => `${n}${unit}`),
);
const name = fc.string({ unit: oneCharOf('abz019-._/*AZ ä'), maxLength: 70 });

const egress = fc
  .tuple(
    fc.constantFrom('', '['),
    address,
    fc.constantFrom('', '/0', '/8', '/32', '/33', '/128', '/129', '/-1'),
    fc.constantFrom('', ']'),
    fc.constantFrom('', ':', ':0', ':1', ':80', ':65535', ':65536', ':080'),
    fc.constantFrom('', ':web', ':web-1.x', ':Web', ':', ':-'),
  )
  .map((parts) => [parts.join('')]);

const texts: readonly [string, Kind, string, fc.Arbitrary<unknown>][] = [
  ['addresses', 'TrafficPolicy', 'spec.versions.0.endpoints.0.address', address],
  ['destinations', 'Tap', 'spec.egress', egress],
  ['durations', 'Experiment', 'spec.warmUp', duration],
  ['hosts', 'TrafficPolicy', 'spec.target.host', name],
  ['names', 'Tap', 'metadata.name', name],
  ['label values to select', 'Tap', 'spec.selector.matchLabels', fc.dictionary(name, name)],
  ['labels', 'Tap', 'metadata.labels', fc.dictionary(name, name, { maxKeys: 2 })],
  ['annotations', 'Tap', 'metadata.annotations', fc.dictionary(name, name, { maxKeys: 2 })],
];
for (const [title, kind, path, arbitrary] of texts) {
  test(`${title} are taken or refused as by an API server`, async (t) => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(arbitrary, async (value) => {
        const document = changedAt(least[kind], path.split('.'), value);
        const theirs = await oracle.ask(document);
        const { misfits, broken } = judgeDocument(kind, document);
        const ours = misfits.length + broken.length === 0;
        t.is(ours, theirs.accepted, canonicalJson({ value, misfits, broken, theirs }));
        if (ours) accepted += 1;
      }),
      { numRuns: 2 * runs },
    );
    t.log(`${2 * runs} texts, ${accepted} accepted`);
  });
}

const table = new URL('../../functions/resources/server-cases.json', import.meta.url);

test('the recorded cases are what an API server says', async (t) => {
  const cases: object[] = [];
  for (const { kind, document } of recordedDocuments()) {
    const { accepted, errors, object } = await oracle.ask(document);
    const filled = canonicalJson(object?.spec ?? null) !== canonicalJson(specOf(document) ?? null);
    const said = accepted ? filled && { spec: object?.spec } : { errors };
    cases.push({ kind, document, accepted, ...said });
  }
  if (process.env['CRD_RECORD'] === '1') await writeFile(table, JSON.stringify(cases));
  t.deepEqual(JSON.parse(await readFile(table, 'utf8')), cases);
});
