import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createClient } from '@clickhouse/client';
import { pino } from 'pino';
import { z } from 'zod';
import { startEmbeddedClickHouse } from '../../functions/analytics/embedded.ts';
import { eventTypes } from '../../knative/events.ts';
import { createBatchMaker, type PreparedBatch } from './ingest-batches.ts';
import type { Bench } from './lib/bench.ts';

const totalSpans = 1_000_000;
const batchSpans = 2_500;
/** Batches on their way at once: as many agents. */
const senders = 12;

interface Target {
  readonly pid: number;
  readonly url: URL;
  readonly token: string;
}

/**
 * OTLP in CloudEvents over HTTP → the control plane's host → ingest → embedded ClickHouse. Figures:
 * `spansPerSecond` from the first send until every span is counted by a query, `…CpuMicrosPerSpan`
 * of the two processes in that time (merges included), `bytesPerSpan` on disk after the merges have
 * come to rest by themselves.
 */
export const benchIngest: Bench = async (progress, signal) => {
  await using cleanUp = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), 'clover-bench-'));
  cleanUp.defer(() => rm(dir, { recursive: true, force: true }));
  const log = pino({ level: 'warn' }, pino.destination(2));
  const clickhouse = await startEmbeddedClickHouse({ dataDir: join(dir, 'clickhouse'), log });
  cleanUp.defer(() => clickhouse.stop());
  const { url, username, password } = clickhouse;
  const access = { url, username, password, database: 'clover' };
  const target = await startHost(join(dir, 'host'), access, cleanUp, signal);
  const client = createClient(access);
  cleanUp.defer(() => client.close());
  const number = async (query: string): Promise<number> => {
    const result = await client.query({ query, format: 'JSONCompactEachRow' });
    return z.array(z.tuple([z.coerce.number()])).parse(await result.json())[0]?.[0] ?? 0;
  };

  progress(`making ${totalSpans} spans in batches of ${batchSpans}`);
  const make = createBatchMaker();
  const firstMs = Date.now() - 600_000;
  const batches: PreparedBatch[] = [];
  while (batches.length * batchSpans < totalSpans) {
    batches.push(make(batchSpans, firstMs + batches.length * 250));
    // A turn of the loop, so that a signal is heard.
    await sleep(0);
    signal.throwIfAborted();
  }

  progress(`sending them from ${senders} senders`);
  const pids = { host: target.pid, clickhouse: clickhouse.pid };
  const before = { host: await cpuMs(pids.host), clickhouse: await cpuMs(pids.clickhouse) };
  const started = performance.now();
  await send(batches, target, signal);
  const accepted = performance.now();
  while ((await number('SELECT count() FROM spans FINAL')) < totalSpans) {
    await sleep(20, undefined, { signal });
  }
  const queryable = performance.now();

  const hostMs = (await cpuMs(pids.host)) - before.host;
  const clickhouseMs = (await cpuMs(pids.clickhouse)) - before.clickhouse;

  progress('waiting for the merges to come to rest');
  for (let quiet = 0; quiet < 10; await sleep(300, undefined, { signal })) {
    quiet = (await number('SELECT count() FROM system.merges')) === 0 ? quiet + 1 : 0;
  }
  const ofParts =
    "FROM system.parts WHERE active AND database = currentDatabase() AND table = 'spans'";
  const rows = await number(`SELECT sum(rows) ${ofParts}`);
  const bytes = await number(`SELECT sum(bytes_on_disk) ${ofParts}`);
  const otlpBytes = batches.reduce((sum, batch) => sum + batch.otlpBytes, 0);
  return {
    spansPerSecond: Math.round((totalSpans / (queryable - started)) * 1_000),
    bytesPerSpan: round(bytes / rows, 1),
    hostCpuMicrosPerSpan: round((hostMs * 1_000) / totalSpans, 2),
    clickhouseCpuMicrosPerSpan: round((clickhouseMs * 1_000) / totalSpans, 2),
    spans: rows,
    secondsToAccept: round((accepted - started) / 1_000, 2),
    otlpBytesPerSpan: Math.round(otlpBytes / totalSpans),
    parts: await number(`SELECT count() ${ofParts}`),
  };
};

/** The control plane in a process of its own, without a gateway. */
async function startHost(
  dataDir: string,
  clickhouse: Readonly<Record<'url' | 'username' | 'password' | 'database', string>>,
  cleanUp: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Target> {
  const token = randomBytes(24).toString('base64url');
  const config = `${dataDir}.json`;
  await writeFile(config, JSON.stringify({ dataDir, token, clickhouse, logLevel: 'warn' }), {
    mode: 0o600,
  });
  const main = fileURLToPath(new URL('../../functions/host/main.ts', import.meta.url));
  const child = spawn(process.execPath, [main, '--config', config], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const gone: Promise<unknown> = once(child, 'exit');
  cleanUp.defer(async () => {
    child.kill('SIGTERM');
    await gone;
  });
  const announcement = z.object({ pid: z.int(), url: z.url().transform((text) => new URL(text)) });
  while (child.exitCode === null) {
    const text = await readFile(join(dataDir, 'host.json'), 'utf8').catch(() => undefined);
    if (text !== undefined) return { ...announcement.parse(JSON.parse(text)), token };
    await sleep(50, undefined, { signal });
  }
  throw new Error(`the control plane ended with ${child.exitCode}`);
}

async function send(
  batches: readonly PreparedBatch[],
  target: Target,
  signal: AbortSignal,
): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: senders });
  const queue = batches.entries();
  const sender = async (): Promise<void> => {
    // One iterator for all: each takes the next batch that nobody has.
    for (const [i, batch] of queue) {
      signal.throwIfAborted();
      await post(agent, target, i + 1, batch);
    }
  };
  await Promise.all(Array.from({ length: senders }, sender));
  agent.destroy();
}

function post(
  agent: Agent,
  { url, token }: Target,
  id: number,
  batch: PreparedBatch,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = request(new URL('/functions/ingest', url), {
      agent,
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/x-protobuf',
        'content-encoding': 'zstd',
        'content-length': batch.body.length,
        'ce-specversion': '1.0',
        'ce-id': String(id),
        'ce-source': '/nodes/bench/0000000000000001',
        'ce-type': eventTypes.spans,
        'ce-cloverspans': String(batch.spans),
        'ce-cloverwm': String(Date.now()),
        'ce-cloverloss': '{}',
      },
    });
    call.once('error', reject).once('response', (response) => {
      const { statusCode = 0 } = response;
      response.resume().once('end', () => {
        if (statusCode >= 200 && statusCode < 300) resolve();
        else reject(new Error(`ingest answered ${statusCode}`));
      });
    });
    call.end(batch.body);
  });
}

/** CPU time of a process so far: user and system, from proc(5), in ticks of 10 ms. */
async function cpuMs(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));
