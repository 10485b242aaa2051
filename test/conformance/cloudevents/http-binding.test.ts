import { readFile } from 'node:fs/promises';
import test from 'ava';
import { readFeature } from './gherkin.ts';
import { perform } from './http-steps.ts';
import { startWitness } from './witness.ts';

const feature = await readFile(new URL('features/http.feature', import.meta.url), 'utf8');

test('every scenario of the HTTP binding holds for a function of its own', async (t) => {
  const scenarios = readFeature(feature);
  t.is(scenarios.length, 15);
  const witness = await startWitness(t);
  for (const scenario of scenarios) {
    await t.notThrowsAsync(perform(t, scenario, witness), scenario.name);
  }
});
