import { readFile } from 'node:fs/promises';
import test from 'ava';
import { z } from 'zod';
import { isRecord } from '../../../functions/lib/plain-value.ts';
import { judgeDocument } from '../../../functions/resources/schema/judge-document.ts';

// What the code of an API server said to each document: test/conformance/crd/README.md tells how it was recorded.
const table = z.array(
  z.object({
    kind: z.enum(['Experiment', 'ExperimentRun', 'Tap', 'TrafficPolicy']),
    document: z.unknown(),
    accepted: z.boolean(),
    spec: z.unknown().optional(),
    errors: z.array(z.string()).optional(),
  }),
);
const cases = table.parse(
  JSON.parse(await readFile(new URL('server-cases.json', import.meta.url), 'utf8')),
);

const specOf = (value: unknown): unknown => (isRecord(value) ? value['spec'] : undefined);

for (const taken of [true, false]) {
  test(`documents that an API server ${taken ? 'takes' : 'refuses'} are ${taken ? 'taken' : 'refused'}`, (t) => {
    const some = cases.filter(({ accepted }) => accepted === taken);
    t.true(some.length > 50, `only ${some.length}`);
    for (const { kind, document, spec, errors = [] } of some) {
      const { whole, misfits, broken } = judgeDocument(kind, document);
      const found = [...misfits, ...broken];
      t.is(found.length === 0, taken, JSON.stringify({ document, found, errors }));
      if (taken) t.deepEqual(specOf(whole), spec ?? specOf(document));
    }
  });
}

test('rules in CEL say here what an API server says, of the same field', (t) => {
  let said = 0;
  for (const { kind, document, errors = [] } of cases) {
    const { misfits, broken } = judgeDocument(kind, document);
    // There an API server says of no rule whether it is kept.
    if (misfits.length > 0) continue;
    for (const { field, rule } of broken) {
      if (rule === undefined) continue;
      said += 1;
      t.true(
        errors.some((text) => text.startsWith(`${field}: `) && text.endsWith(rule.message)),
        JSON.stringify({ document, field, errors }),
      );
    }
  }
  t.true(said > 15, `only ${said}`);
});
