import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';

/** Nobody listens at the port of RFC 1078. */
const closedPort = '1';

/**
 * The environment of a pod in a cluster whose API server and ClickHouse do not answer: a function starts in it, and reaches nobody.
 * @param folder gets the files of a service account.
 */
export async function podOfNowhere(folder: string): Promise<Readonly<Record<string, string>>> {
  await writeFile(join(folder, 'ca.crt'), rootCertificates[0] ?? '');
  await writeFile(join(folder, 'token'), 'none');
  return {
    CLICKHOUSE_URL: `http://127.0.0.1:${closedPort}`,
    KUBERNETES_SERVICE_HOST: '127.0.0.1',
    KUBERNETES_SERVICE_PORT: closedPort,
    KUBERNETES_ACCOUNT_DIR: folder,
  };
}
