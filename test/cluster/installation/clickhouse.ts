import { join } from 'node:path';
import { createClient } from '@clickhouse/client';
import type { Logger } from 'pino';
import { z } from 'zod';
import { startEmbeddedClickHouse } from '../../../functions/analytics/embedded.ts';
import type { NodeTier } from '../tiers/node.ts';

/** A ClickHouse beside the cluster, which pods reach. */
export interface ClusterClickHouse {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /**
   * Rows of a query in the database of an installation.
   * @throws Error of ClickHouse, such as for a table that no function has made yet.
   */
  rows<Row>(query: string, row: z.ZodType<Row>): Promise<Row[]>;
  /** Ends it; its data goes with the tier's folder. */
  stop(): Promise<void>;
}

/** Starts it as a process of this machine, at the address by which pods reach the machine. */
export async function startClusterClickHouse(
  { network, folder }: Pick<NodeTier, 'folder' | 'network'>,
  log: Logger,
): Promise<ClusterClickHouse> {
  const dataDir = join(folder, 'clickhouse');
  const server = await startEmbeddedClickHouse({ dataDir, host: network.host, log });
  const { url, username, password } = server;
  const client = createClient({ url, username, password, database: 'clover' });
  return {
    url,
    username,
    password,
    rows: async (query, row) => {
      const result = await client.query({ query, format: 'JSONEachRow' });
      return z.array(row).parse(await result.json());
    },
    stop: async () => {
      await client.close();
      await server.stop();
    },
  };
}
