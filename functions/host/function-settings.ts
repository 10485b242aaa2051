import { z } from 'zod';
import { clickHouseUrl } from '../../knative/clickhouse-url.ts';
import { CloverError } from '../lib/errors.ts';
import { createKubeClient, type KubeClient } from '../resources/kubernetes/client.ts';
import {
  accountFolder,
  inClusterConnection,
  namespaceIn,
} from '../resources/kubernetes/connection.ts';

/** The variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

const clickHouse = z.object({
  CLICKHOUSE_URL: clickHouseUrl(
    'CLICKHOUSE_USER, CLICKHOUSE_PASSWORD and CLICKHOUSE_DATABASE',
  ).default('http://127.0.0.1:8123'),
  CLICKHOUSE_USER: z.string().min(1).default('default'),
  CLICKHOUSE_PASSWORD: z.string().default(''),
  CLICKHOUSE_DATABASE: z
    .string()
    .regex(/^\w{1,64}$/, 'must be letters, digits and "_"')
    .default('clover'),
});

/** Where ClickHouse is and who asks. */
export interface ClickHouseSettings {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly database: string;
}

/**
 * Where the environment says that ClickHouse is: `CLICKHOUSE_URL`, `CLICKHOUSE_USER`, `CLICKHOUSE_PASSWORD`,
 * `CLICKHOUSE_DATABASE`.
 * @throws CloverError CLV_CONFIG_INVALID naming each bad variable; no value is shown.
 */
export function clickHouseSettings(env: Environment = process.env): ClickHouseSettings {
  const parsed = clickHouse.safeParse(env);
  if (!parsed.success) {
    const { issues } = parsed.error;
    const problems = issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new CloverError('CLV_CONFIG_INVALID', problems.join('; '));
  }
  const { data } = parsed;
  return {
    url: data.CLICKHOUSE_URL,
    username: data.CLICKHOUSE_USER,
    password: data.CLICKHOUSE_PASSWORD,
    database: data.CLICKHOUSE_DATABASE,
  };
}

/**
 * The API server of the cluster that the process is in, by the service account in `KUBERNETES_ACCOUNT_DIR`; default: where
 * the kubelet mounts it.
 * @throws CloverError CLV_CONFIG_INVALID outside a pod.
 */
export function clusterClient(env: Environment = process.env): KubeClient {
  const folder = env['KUBERNETES_ACCOUNT_DIR'];
  return createKubeClient(
    inClusterConnection({
      env,
      monotonicMs: () => performance.now(),
      ...(folder === undefined ? {} : { folder }),
    }),
  );
}

/**
 * The namespace of the pod that the process is in, as its service account's folder has it.
 * @throws CloverError CLV_CONFIG_INVALID outside a pod.
 */
export function podNamespace(env: Environment = process.env): string {
  return namespaceIn(env['KUBERNETES_ACCOUNT_DIR'] ?? accountFolder);
}
