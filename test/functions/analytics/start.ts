import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type ClickHouseClient } from '@clickhouse/client';
import { pino, type Logger } from 'pino';
import { z } from 'zod';
import {
  startEmbeddedClickHouse,
  type EmbeddedClickHouse,
} from '../../../functions/analytics/embedded.ts';

export const log: Logger = pino({ level: 'silent' });

/** A ClickHouse in a folder of its own. */
export interface TestClickHouse {
  readonly dataDir: string;
  /** The child that runs now. */
  server(): EmbeddedClickHouse;
  /** Ends the child with SIGKILL, as a crash would, and resolves when its port is closed. */
  kill(): Promise<void>;
  /** Stops it in the middle of everything, without its end; or lets it go on. */
  hang(hung: boolean): void;
  /** Starts it again on the same data and port. */
  restart(): Promise<void>;
  /** First column of the first row, as a number. */
  number(query: string): Promise<number>;
  rows<Row>(query: string, row: z.ZodType<Row>): Promise<Row[]>;
  /** Ends the child and removes the folder. */
  remove(): Promise<void>;
}

/** Starts a {@link TestClickHouse}. Queries run in database `clover`. */
export async function startTestClickHouse(): Promise<TestClickHouse> {
  const dataDir = await mkdtemp(join(tmpdir(), 'clover-test-'));
  let server = await startEmbeddedClickHouse({ dataDir, log });
  const { url, username, password } = server;
  const client: ClickHouseClient = createClient({ url, username, password, database: 'clover' });

  const rows = async <Row>(query: string, row: z.ZodType<Row>): Promise<Row[]> => {
    const result = await client.query({ query, format: 'JSONEachRow' });
    return z.array(row).parse(await result.json());
  };
  return {
    dataDir,
    server: () => server,
    async kill() {
      process.kill(server.pid, 'SIGKILL');
      await server.stop();
    },
    hang(hung) {
      process.kill(server.pid, hung ? 'SIGSTOP' : 'SIGCONT');
    },
    async restart() {
      server = await startEmbeddedClickHouse({ dataDir, httpPort: Number(new URL(url).port), log });
    },
    async number(query) {
      const [first] = await rows(query, z.record(z.string(), z.coerce.number()));
      return Object.values(first ?? {})[0] ?? Number.NaN;
    },
    rows,
    async remove() {
      await client.close();
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
