import { z } from 'zod';

const unixMs = z.int().meta({ description: 'Unix milliseconds.' });
const count = z.number().min(0);

/** The time that an answer is about: starts of requests, [from, to). */
export const window = z
  .object({ from: unixMs, to: unixMs })
  .meta({ id: 'TimeWindow', description: 'Starts of requests, from (included) to (excluded).' });

/** Requests, errors and latency of one service, version and side. */
export const redRow = z
  .object({
    service: z.string(),
    version: z.string().meta({ description: 'Empty where a row is of a whole service.' }),
    kind: z.string().meta({ description: 'Side of the spans: SERVER, CLIENT, …' }),
    requests: count,
    errors: count,
    p50: count.meta({ description: 'Milliseconds.' }),
    p95: count.meta({ description: 'Milliseconds.' }),
    p99: count.meta({ description: 'Milliseconds.' }),
  })
  .meta({ id: 'RedRow' });

/** Answer of the question `red`. */
export const redRows = z.object({ window, rows: z.array(redRow) }).meta({ id: 'RedRows' });

/** Requests, errors and latency of a window. */
export type RedAnswer = z.output<typeof redRows>;

/** Stored spans per stamp. */
export const storedArmRows = z
  .object({
    window,
    rows: z.array(
      z.object({ run: z.string(), epoch: z.number(), arm: z.string(), requests: count }),
    ),
  })
  .meta({ id: 'StoredArmRows' });

/** Evidence per second of start, splitting point and stamp. */
export const totalRows = z
  .object({
    window,
    rows: z.array(
      z.object({
        splitter: z.string(),
        run: z.string(),
        epoch: z.number(),
        arm: z.string(),
        block: z.number().meta({ description: 'Unix second in which the requests started.' }),
        started: count,
        done: count,
        errors: count,
        stuck: count,
        sumLog: z.number(),
        sumLogSq: count,
      }),
    ),
  })
  .meta({ id: 'EvidenceTotalRows' });

/** Looks of a run, by number. */
export const lookRows = z
  .object({
    rows: z.array(
      z.object({
        run: z.string(),
        number: z.int().min(1),
        previous: z.string().meta({ description: 'Hash of the look before; zeros for the first.' }),
        hash: z.string().meta({ description: 'SHA-256 of previous and body, hexadecimal.' }),
        body: z.string().meta({ description: 'Canonical JSON.' }),
      }),
    ),
  })
  .meta({ id: 'LookRows' });

/** Counters of every part: part → name → value. */
export const status = z
  .record(z.string(), z.record(z.string(), z.number()))
  .meta({ id: 'Status', description: 'Counters: part, name, value.' });

/** Counters of every part. */
export type Status = z.output<typeof status>;
