import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { parse } from 'yaml';
import { z } from 'zod';
import { evaluateCesql } from '../../../../functions/lib/cesql/evaluate.ts';
import { builtinFunctions } from '../../../../functions/lib/cesql/functions.ts';
import { parseCesql } from '../../../../functions/lib/cesql/parse.ts';
import { tckFunctions } from '../../../functions/lib/cesql/tck/own-functions.ts';
import { fetchModule } from '../go-module.ts';

const value = z.union([z.boolean(), z.int(), z.string()]);
/** Some expressions stand in the kit without quotes, so that YAML makes values of them. */
const text = value.transform(String);
const attributes = z.record(z.string(), value);
const file = z.strictObject({
  name: z.string(),
  tests: z.array(
    z.strictObject({
      name: text,
      expression: text,
      result: value.optional(),
      error: z.string().optional(),
      event: attributes.optional(),
      eventOverrides: attributes.optional(),
    }),
  ),
});

/** Any valid event: the kit leaves it to its runner. */
const anyEvent = {
  specversion: '1.0',
  id: 'myId',
  source: 'localhost.localdomain',
  type: 'myType',
};

test('the conformance kit of CESQL holds, case by case', async (t) => {
  const folder = await fetchModule({
    path: 'github.com/cloudevents/sdk-go/sql/v2',
    version: 'v2.16.2',
    sum: 'h1:ufWHXiH1ZVd0WDbzTX9Nod9Sdq5wcnaqyL0iA1fBwYs=',
  });
  let cases = 0;
  for (const kit of ['test/tck', 'runtime/test/tck']) {
    for (const name of (await readdir(join(folder, kit))).filter((entry) =>
      entry.endsWith('.yaml'),
    )) {
      const { tests } = file.parse(parse(await readFile(join(folder, kit, name), 'utf8')));
      for (const each of tests) {
        cases += 1;
        const title = `${name}: ${each.name}: ${each.expression}`;
        if (each.error === 'parse') {
          t.throws(() => parseCesql(each.expression), { code: 'CLV_FILTER_INVALID' }, title);
          continue;
        }
        const event = new Map(
          Object.entries({ ...(each.event ?? anyEvent), ...each.eventOverrides }),
        );
        const known = [...builtinFunctions, ...tckFunctions];
        const result = evaluateCesql(parseCesql(each.expression), event, known);
        if (each.result !== undefined) t.is(result.value, each.result, title);
        t.is<string | undefined, string | undefined>(
          result.error?.kind,
          each.error,
          `${title}: ${result.error?.message}`,
        );
      }
    }
  }
  t.is(cases, 283);
});
