import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import { z } from 'zod';
import type { Log } from '../lib/log.ts';
import { isSchemaMissing, toCloverError } from './errors.ts';
import { migrate } from './migrate.ts';
import type { TableSchema } from './migration.ts';

/** Where ClickHouse is and who asks. */
export interface ClickHouseOptions {
  /** `http://127.0.0.1:8123`. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** Letters, digits and `_`. */
  readonly database: string;
  /** Limit of one question. Default 30 000. */
  readonly timeoutMs?: number;
  /** Limit of one write: a hung ClickHouse must be found well before a sender's own limit. Default 10 000. */
  readonly writeTimeoutMs?: number;
}

/** ClickHouse as the tables of one store see it. */
export interface ClickHouse {
  readonly client: ClickHouseClient;
  /** Of one question, in seconds. */
  readonly timeoutSeconds: number;
  /**
   * Does work on the tables, which are there then: they are made on first use, and made again when they have gone. So what fails
   * because they are missing is done twice.
   * @throws CloverError CLV_ANALYTICS_UNAVAILABLE, and Retry-After, for whatever a retry may mend.
   */
  readonly guarded: <T>(work: () => Promise<T>) => Promise<T>;
  /** Ends a write at its limit, and when the given signal aborts. */
  readonly writeSignal: (signal?: AbortSignal) => AbortSignal;
  close(): Promise<void>;
}

/** Opens the tables of a store over HTTP. ClickHouse may come up later. */
export function openClickHouse(
  options: ClickHouseOptions,
  schema: TableSchema,
  log: Pick<Log, 'info'>,
): ClickHouse {
  const { url, username, password, timeoutMs = 30_000, writeTimeoutMs = 10_000 } = options;
  const database = z
    .string()
    .regex(/^\w{1,64}$/)
    .parse(options.database);
  const shared = { url, username, password, request_timeout: timeoutMs, max_open_connections: 8 };
  // Failures reach the caller as errors; the client's own log would only repeat them.
  const quiet = { log: { level: ClickHouseLogLevel.OFF } };
  const admin = createClient({ ...shared, ...quiet });
  const client = createClient({ ...shared, ...quiet, database });

  let made: Promise<void> | undefined;
  const attempt = async <T>(work: () => Promise<T>): Promise<T> => {
    made ??= migrate(admin, client, database, schema, log);
    try {
      await made;
    } catch (error) {
      made = undefined;
      throw error;
    }
    return await work();
  };

  return {
    client,
    timeoutSeconds: timeoutMs / 1_000,
    guarded: async (work) => {
      try {
        return await attempt(work).catch((error: unknown) => {
          if (!isSchemaMissing(error)) throw error;
          // The data was wiped under us: once more, with new tables.
          made = undefined;
          return attempt(work);
        });
      } catch (error) {
        throw toCloverError(error);
      }
    },
    writeSignal: (signal) =>
      AbortSignal.any([
        AbortSignal.timeout(writeTimeoutMs),
        ...(signal === undefined ? [] : [signal]),
      ]),
    close: async () => {
      await Promise.all([admin.close(), client.close()]);
    },
  };
}
