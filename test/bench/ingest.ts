import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
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

const totalSpans = 1_000_000;
const batchSpans = 2_500;
/** What ingest-server.ts says once it listens. */
const hello = z.object({ port: z.int() });

/** Batches on their way at once: as many agents. */
const senders = 12;

/**
 * OTLP in CloudEvents over HTTP → ingest function → embedded ClickHouse. Figures:
 * `spansPerSecond` from the first send until every span is counted by a query, `bytesPerSpan` on
 * disk after the merges have come to rest by themselves.
 */
export async function benchIngest(
  progress: (line: string) => void,
): Promise<Record<string, number>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'clover-bench-'));
  const clickhouse = await startEmbeddedClickHouse({ dataDir, log: pino({ level: 'warn' }) });
  const { url, username, password } = clickhouse;
  const database = 'clover';
  const server = fork(fileURLToPath(new URL('ingest-server.ts', import.meta.url)), [
    JSON.stringify({ url, username, password, database }),
  ]);
  const client = createClient({ url, username, password, database });
  const number = async (query: string): Promise<number> => {
    const result = await client.query({ query, format: 'JSONCompactEachRow' });
    return z.array(z.tuple([z.coerce.number()])).parse(await result.json())[0]?.[0] ?? 0;
  };
  try {
    const [{ port }] = z
      .tuple([hello])
      .rest(z.unknown())
      .parse(await once(server, 'message'));

    progress(`making ${totalSpans} spans in batches of ${batchSpans}`);
    const make = createBatchMaker();
    const firstMs = Date.now() - 600_000;
    const batches = Array.from({ length: totalSpans / batchSpans }, (_, i) =>
      make(batchSpans, firstMs + i * 250),
    );

    progress(`sending them from ${senders} senders`);
    const started = performance.now();
    await send(batches, port);
    const accepted = performance.now();
    while ((await number('SELECT count() FROM spans FINAL')) < totalSpans) await sleep(20);
    const queryable = performance.now();

    progress('waiting for the merges to come to rest');
    for (let quiet = 0; quiet < 10; await sleep(300)) {
      quiet = (await number('SELECT count() FROM system.merges')) === 0 ? quiet + 1 : 0;
    }
    const ofParts =
      "FROM system.parts WHERE active AND database = currentDatabase() AND table = 'spans'";
    const rows = await number(`SELECT sum(rows) ${ofParts}`);
    const bytes = await number(`SELECT sum(bytes_on_disk) ${ofParts}`);
    return {
      spansPerSecond: Math.round((totalSpans / (queryable - started)) * 1_000),
      bytesPerSpan: Number((bytes / rows).toFixed(1)),
      spans: rows,
      secondsToAccept: Number(((accepted - started) / 1_000).toFixed(2)),
      otlpBytesPerSpan: Math.round(
        batches.reduce((sum, batch) => sum + batch.otlpBytes, 0) / totalSpans,
      ),
      parts: await number(`SELECT count() ${ofParts}`),
    };
  } finally {
    await client.close();
    if (server.connected) {
      server.send('stop');
      await once(server, 'exit');
    }
    await clickhouse.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function send(batches: readonly PreparedBatch[], port: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: senders });
  let next = 0;
  const one = async (): Promise<void> => {
    for (let i = next++; i < batches.length; i = next++) {
      const batch = batches[i];
      if (batch !== undefined) await post(agent, port, i + 1, batch);
    }
  };
  await Promise.all(Array.from({ length: senders }, one));
  agent.destroy();
}

function post(agent: Agent, port: number, id: number, batch: PreparedBatch): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = request({
      agent,
      port,
      host: '127.0.0.1',
      method: 'POST',
      path: '/functions/ingest',
      headers: {
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
      response.resume().once('end', () => {
        if (response.statusCode === 204) resolve();
        else reject(new Error(`ingest answered ${response.statusCode}`));
      });
    });
    call.end(batch.body);
  });
}
