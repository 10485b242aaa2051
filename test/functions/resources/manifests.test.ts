import { glob, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { admitDocument } from '../../../functions/resources/admission.ts';
import { kinds } from '../../../knative/resources/kinds.ts';
import { apiVersion } from '../../../knative/resources/meta.ts';

const object = z.looseObject({ apiVersion: z.string() });
const kinded = z.looseObject({ kind: z.enum(kinds.map(({ kind }) => kind)) });
const samples = fileURLToPath(new URL('../../../infra/samples', import.meta.url));

test('every manifest of a resource of Clover in the samples is admitted', async (t) => {
  let count = 0;
  for await (const path of glob('**/*.yaml', { cwd: samples })) {
    for (const parsed of parseAllDocuments(await readFile(`${samples}/${path}`, 'utf8'))) {
      const document: unknown = parsed.toJS();
      if (object.parse(document).apiVersion !== apiVersion) continue;
      t.notThrows(() => admitDocument(kinded.parse(document).kind, document), path);
      count += 1;
    }
  }
  t.true(count > 0);
});
