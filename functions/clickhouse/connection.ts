import type { ClickHouseClient } from '@clickhouse/client';
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
  /** The client of the database. It is loaded when it is first asked for: most cold starts of `api` do without. */
  readonly client: () => Promise<ClickHouseClient>;
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
  const open = async () => {
    const { ClickHouseLogLevel, createClient } = await import('@clickhouse/client');
    // Failures reach the caller as errors; the client's own log would only repeat them.
    const quiet = { ...shared, log: { level: ClickHouseLogLevel.OFF } };
    return { admin: createClient(quiet), own: createClient({ ...quiet, database }) };
  };
  let opened: ReturnType<typeof open> | undefined;
  const clients = () => (opened ??= open());

  let made: Promise<void> | undefined;
  const make = async (): Promise<void> => {
    const { admin, own } = await clients();
    await migrate(admin, own, database, schema, log);
  };
  const attempt = async <T>(work: () => Promise<T>): Promise<T> => {
    made ??= make();
    try {
      await made;
    } catch (error) {
      made = undefined;
      throw error;
    }
    return await work();
  };

  return {
    client: async () => (await clients()).own,
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
      if (opened === undefined) return;
      const { admin, own } = await opened;
      await Promise.all([admin.close(), own.close()]);
    },
  };
}
