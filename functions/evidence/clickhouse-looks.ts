import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { ClickHouse } from '../clickhouse/connection.ts';
import { CloverError } from '../lib/errors.ts';
import { lookRow } from './evidence-rows.ts';
import type { EvidenceStore, Look } from './evidence-store.ts';

/** Looks, as a store of evidence has them. */
export type LookTable = Pick<EvidenceStore, 'appendLook' | 'looks' | 'lastLook'>;

const settleMs = [0, 5, 10, 20, 50, 100, 200, 500, 1_000] as const;
const mostOrphans = 5;

/**
 * Looks in a MergeTree of one server: of any number of appends of one number exactly one is taken.
 *
 * ClickHouse has no unique keys. What it does decide once, under one lock, is which of two inserts with the same deduplication
 * token becomes a part: the other one is dropped without a word. So an append carries the number as that token and
 * a random name of its own, and then reads whose name stands there. ClickHouse forgets a token after 10 000 later inserts: a row
 * that gets in after that has a higher block number, and the lowest one is the look.
 *
 * Where nothing stands there, an insert that took the token is under way, or died between the token and its part. Which of the two
 * is told by the server's list of what it runs: if no insert of this number is among them, and still nothing stands
 * there, nobody can have won, and the append tries again under the next token.
 */
export function createLookTable({ client, guarded, writeSignal }: ClickHouse): LookTable {
  let checked = false;

  /** Between replicas a token and a block number do not mean the same. */
  const checkEngine = async (): Promise<void> => {
    if (checked) return;
    const result = await (
      await client()
    ).query({
      query: `SELECT engine FROM system.tables WHERE database = currentDatabase() AND name = 'evidence_looks'`,
      format: 'JSONEachRow',
    });
    const [table] = z.array(z.object({ engine: z.string() })).parse(await result.json());
    if (table !== undefined && table.engine !== 'MergeTree') {
      throw new CloverError(
        'CLV_CONFIG_INVALID',
        `the table evidence_looks is a ${table.engine}: looks need a ClickHouse of one server, where it is a MergeTree`,
      );
    }
    checked = table !== undefined;
  };

  const winner = async ({ run, number }: Look): Promise<string | undefined> => {
    const result = await (
      await client()
    ).query({
      query: `SELECT argMin(token, _block_number) AS token FROM evidence_looks
              WHERE run = {run:String} AND number = {number:Int64} GROUP BY number`,
      query_params: { run, number },
      format: 'JSONEachRow',
    });
    const [row] = z.array(z.object({ token: z.string() })).parse(await result.json());
    return row?.token;
  };

  const isUnderWay = async (name: string): Promise<boolean> => {
    const result = await (
      await client()
    ).query({
      query: `SELECT count() AS count FROM system.processes WHERE startsWith(query_id, {name:String})`,
      query_params: { name },
      format: 'JSONEachRow',
      clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
    });
    const [row] = z.array(z.object({ count: z.int() })).parse(await result.json());
    return row?.count !== 0;
  };

  /** Who won, once that is decided; undefined when nobody can have. */
  const decided = async (look: Look, name: string): Promise<string | undefined> => {
    for (const wait of settleMs) {
      await sleep(wait);
      const found = await winner(look);
      if (found !== undefined) return found;
      // In this order: what ends between the two questions is seen by the second.
      if (!(await isUnderWay(name))) return winner(look);
    }
    const message = `an append of look ${look.number} of ${look.run} does not end`;
    throw new CloverError('CLV_ANALYTICS_UNAVAILABLE', message, { retryAfter: 1 });
  };

  const append = async (look: Look): Promise<boolean> => {
    await checkEngine();
    const { run, number } = look;
    const token = randomUUID();
    for (let orphans = 0; orphans < mostOrphans; orphans += 1) {
      const name = `look/${run}/${number}/${orphans}/`;
      await (
        await client()
      ).insert({
        table: 'evidence_looks',
        columns: ['run', 'number', 'token', 'previous', 'hash', 'body'],
        values: [{ ...look, token }],
        format: 'JSONEachRow',
        query_id: `${name}${token}`,
        clickhouse_settings: {
          async_insert: 0,
          insert_deduplicate: 1,
          insert_deduplication_token: name,
        },
        abort_signal: writeSignal(),
      });
      const won = await decided(look, name);
      if (won !== undefined) return won === token;
    }
    const message = `look ${number} of ${run} is taken, and not there`;
    throw new CloverError('CLV_ANALYTICS_UNAVAILABLE', message, { retryAfter: 1 });
  };

  const select = async (run: string, rest: string): Promise<readonly Look[]> => {
    const result = await (
      await client()
    ).query({
      query: `SELECT run, number, first.1 AS previous, first.2 AS hash, first.3 AS body
              FROM (SELECT run, number, argMin((previous, hash, body), _block_number) AS first
                    FROM evidence_looks WHERE run = {run:String} ${rest} GROUP BY run, number)
              ORDER BY number`,
      query_params: { run },
      format: 'JSONEachRow',
      clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
    });
    return z.array(lookRow).parse(await result.json());
  };

  return {
    appendLook: (look) => guarded(() => append(look)),
    looks: (run) => guarded(() => select(run, '')),
    lastLook: (run) =>
      guarded(async () => {
        const newest = `AND number = (SELECT max(number) FROM evidence_looks WHERE run = {run:String})`;
        return (await select(run, newest))[0];
      }),
  };
}
