import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { catalogue } from '../../../knative/catalogue.ts';
import { importClover, ownSources, type CloverSources } from '../clover-images.ts';
import type { NodeTier } from '../tiers/node.ts';
import type { ClusterClickHouse } from './clickhouse.ts';

/** What an installation is to use. */
export interface Surroundings {
  readonly clickhouse: Pick<ClusterClickHouse, 'password' | 'url' | 'username'>;
  /** Where events go that no function could be given, on Knative. Default: where Clover itself keeps them. */
  readonly deadLetters?: string;
  /** Of which Clover the images are. Default: of the one that is tested. */
  readonly sources?: CloverSources;
  /** All functions are in one process. */
  readonly oneProcess?: boolean;
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
  tier: NodeTier,
  surroundings: Surroundings,
): Promise<string> {
  const { clickhouse, deadLetters, settings = {}, sources = ownSources } = surroundings;
  await importClover(tier, imageNames(surroundings), sources);
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
    ...(deadLetters !== undefined && { deadLetters }),
    // There is one node.
    admission: { replicas: 1 },
    ...settings,
  };
  // YAML is a superset of it.
  await writeFile(file, JSON.stringify(installation, undefined, 2));
  return file;
}

/** What an installation has images of, in its form. */
export function imageNames({ oneProcess = false }: Pick<Surroundings, 'oneProcess'>): string[] {
  const functions = oneProcess ? ['control-plane'] : catalogue.map(({ name }) => name);
  return ['admission', 'agent', ...functions];
}
