import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { isRecord } from '../../../functions/lib/plain-value.ts';
import { fetchModule, type GoModule } from '../cloudevents/go-module.ts';

/** Knative 1.22. */
const serving: GoModule = {
  path: 'knative.dev/serving',
  version: 'v0.49.1',
  sum: 'h1:he1NlNTnrLyamM4a2XL5mNeiTL8jTAuEqqf7y7WOoI8=',
};
const eventing: GoModule = {
  path: 'knative.dev/eventing',
  version: 'v0.49.2',
  sum: 'h1:eUrW+9EHznHGS/cwO/SpCIVqY+ZRyoRO+n0RLnYlIj0=',
};

const files: readonly [GoModule, readonly string[]][] = [
  [serving, ['config/core/300-resources/service.yaml']],
  [
    eventing,
    ['apiserversource', 'broker', 'eventpolicy', 'pingsource', 'sinkbindings', 'trigger'].map(
      (name) => `config/core/resources/${name}.yaml`,
    ),
  ],
];

/** The definitions of Knative's own kinds that an installation uses, by the path in their module. */
export async function knativeDefinitions(): Promise<Map<string, object>> {
  const definitions = new Map<string, object>();
  for (const [module, paths] of files) {
    const folder = await fetchModule(module);
    for (const path of paths) {
      const definition: unknown = parse(await readFile(join(folder, path), 'utf8'));
      if (!isRecord(definition)) throw new Error(`${path} of ${module.path} is no object`);
      definitions.set(`${module.path}/${path}`, definition);
    }
  }
  return definitions;
}
