import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { readFeature } from '../gherkin.ts';
import { fetchModule } from '../go-module.ts';
import { perform } from '../http-steps.ts';
import { startWitness } from '../witness.ts';

test('the scenarios of CloudEvents for the HTTP protocol binding hold', async (t) => {
  const folder = await fetchModule({
    path: 'github.com/cloudevents/conformance',
    version: 'v0.4.1',
    sum: 'h1:MMq+jviOHHNINGWQdvr2yj4g8CdeL59M81ODjEs9M20=',
  });
  const feature = await readFile(join(folder, 'features/http-protocol-binding.feature'), 'utf8');
  const scenarios = readFeature(feature);
  t.is(scenarios.length, 4, 'binary and structured mode, two content types each');
  const witness = await startWitness(t);
  for (const scenario of scenarios) await perform(t, scenario, witness);
});
