import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { catalogue } from '../../../knative/catalogue.ts';
import type { KnativeTier } from '../tiers/knative.ts';
import type { ClusterClickHouse } from './clickhouse.ts';

/** What an installation is to use. */
export interface Surroundings {
  readonly clickhouse: Pick<ClusterClickHouse, 'password' | 'url' | 'username'>;
  /** Where events go that no function could be given. */
  readonly deadLetters: string;
  /** Settings beside these: docs/install.md. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** Of Clover, where an installation is unless it is told otherwise. */
export const cloverNamespace = 'clover-system';

/**
 * Does what docs/install.md asks for before `cloverctl install`: the images on the node, the namespace, the Secret with
 * ClickHouse's password, and the file of settings. Again it changes nothing.
 * @returns path of that file, for `-f`.
 */
export async function prepareInstallation(
  tier: KnativeTier,
  { clickhouse, deadLetters, settings = {} }: Surroundings,
): Promise<string> {
  await tier.importClover(['admission', 'agent', ...catalogue.map(({ name }) => name)]);
  const secret = { name: 'clickhouse', key: 'password' };
  const objects = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: cloverNamespace } },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: secret.name, namespace: cloverNamespace },
      stringData: { [secret.key]: clickhouse.password },
    },
  ];
  const list = { apiVersion: 'v1', kind: 'List', items: objects };
  // The API server checks it: to ask for all schemas takes kubectl half a minute on a busy machine.
  const how = ['apply', '--server-side', '--validate=false', '-f', '-'];
  await tier.kubectl(how, JSON.stringify(list));
  const file = join(tier.folder, 'installation.yaml');
  const installation = {
    clickhouse: { url: clickhouse.url, username: clickhouse.username, passwordSecret: secret },
    deadLetters,
    // There is one node.
    admission: { replicas: 1 },
    ...settings,
  };
  // YAML is a superset of it.
  await writeFile(file, JSON.stringify(installation, undefined, 2));
  return file;
}
