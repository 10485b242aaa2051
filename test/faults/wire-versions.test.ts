import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { createClient } from '@clickhouse/client';
import { z } from 'zod';
import { createWorld, type World } from '../cluster/processes/world.ts';
import { whyLeftOut } from '../cluster/with-cluster.ts';
import { bytesField } from '../native/codec/otlp-encoder.ts';
import { framesOf, keptVersions, type Frame } from './frames.ts';

const why = await whyLeftOut();
if (why !== undefined) process.stderr.write(`${why}\n`);
const serial = why === undefined ? test.serial : test.serial.skip;

async function post(url: string, token: string, { headers, body }: Frame): Promise<number> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { ...headers, authorization: `Bearer ${token}` },
    body: new Uint8Array(body),
  });
  await answer.text();
  return answer.status;
}

/** As if a later agent had sent it, after a start of its own: it says more. */
const laterSpans = ({ headers, body }: Frame): Frame => ({
  headers: { ...headers, 'ce-source': '/nodes/node-2/later', 'ce-cloverlater': 'more' },
  body: zstdCompressSync(
    Buffer.concat([zstdDecompressSync(body), bytesField(100, Buffer.from('more'))]),
  ),
});

const report = z.looseObject({
  watermarkMs: z.int(),
  cells: z.array(z.looseObject({ block: z.int() })),
});

const nowMs = Date.now();

/** As if it were sent now: evidence of runs that have ended is kept for a day. */
const recent = ({ headers, body }: Frame): Frame => {
  const said = report.parse(JSON.parse(body.toString()));
  const seconds = Math.floor((nowMs - said.watermarkMs) / 1_000);
  const cells = said.cells.map((cell) => ({ ...cell, block: cell.block + seconds }));
  const watermarkMs = said.watermarkMs + seconds * 1_000;
  return { headers, body: Buffer.from(JSON.stringify({ ...said, watermarkMs, cells })) };
};

/** The frames of a version, in these seconds. */
async function recentFramesOf(version: string): ReturnType<typeof framesOf> {
  const { spans, evidence } = await framesOf(version);
  return { spans, evidence: evidence.map(recent) };
}

const laterEvidence = ({ headers, body }: Frame): Frame => {
  const said = report.parse(JSON.parse(body.toString()));
  const cells = said.cells.map((cell) => ({ ...cell, later: 1 }));
  return {
    headers: { ...headers, 'ce-source': '/nodes/node-2/later', 'ce-cloverlater': 'more' },
    body: Buffer.from(JSON.stringify({ ...said, later: { of: 'any kind' }, cells })),
  };
};

async function takenBy(
  t: ExecutionContext,
  world: World,
  sent: readonly (readonly [string, Frame])[],
) {
  // Agents of the version itself had none: what they left in the spool of their node their successors send.
  const token = await world.agentToken();
  for (const [url, frame] of sent) {
    const status = await post(url, token, frame);
    t.true(status >= 200 && status < 300, `${frame.headers['ce-type']}: ${status}`);
  }
  const { clickhouse } = world;
  return {
    batches: await clickhouse.number('SELECT count() FROM batches FINAL'),
    spans: await clickhouse.number('SELECT sum(spans) FROM batches FINAL'),
    started: await clickhouse.number('SELECT sum(started) FROM evidence_cells FINAL'),
    stored: await clickhouse.number('SELECT count() FROM spans FINAL'),
  };
}

for (const version of keptVersions) {
  serial(
    `functions take what agents of ${version} send, and of a later one what they know of it`,
    async (t) => {
      t.timeout(180_000);
      const world = await createWorld(t);
      const ingest = await world.start('ingest');
      const evaluate = await world.start('evaluate');
      const { spans, evidence } = await recentFramesOf(version);
      t.true(spans.length > 0 && evidence.length > 0);
      const old = [
        ...spans.map((frame) => [ingest.url, frame] as const),
        ...evidence.map((frame) => [evaluate.url, frame] as const),
      ];
      const before = await takenBy(t, world, old);
      t.deepEqual(before, { batches: spans.length, spans: 3, started: 3, stored: 3 });
      const later = await takenBy(t, world, [
        ...spans.map((frame) => [ingest.url, laterSpans(frame)] as const),
        ...evidence.map((frame) => [evaluate.url, laterEvidence(frame)] as const),
      ]);
      // The spans are the same ones, and so are there once.
      t.deepEqual(later, { batches: 2 * spans.length, spans: 6, started: 6, stored: 3 });
    },
  );
}

serial('a function of before goes on with tables that a later one has changed', async (t) => {
  t.timeout(180_000);
  const world = await createWorld(t);
  const { spans, evidence } = await recentFramesOf('0.1.0');
  const first = await world.start('ingest');
  const evaluate = await world.start('evaluate');
  const sent = (ingest: string) => [
    ...spans.map((frame) => [ingest, frame] as const),
    ...evidence.map((frame) => [evaluate.url, frame] as const),
  ];
  const before = await takenBy(t, world, sent(first.url));
  const { url, username, password } = world.clickhouse.server();
  const client = createClient({ url, username, password, database: 'clover' });
  t.teardown(() => client.close());
  for (const table of ['spans', 'batches', 'evidence_cells', 'evidence_reports'])
    await client.command({ query: `ALTER TABLE ${table} ADD COLUMN later String DEFAULT 'more'` });
  for (const ledger of ['schema_migrations', 'evidence_migrations'])
    await client.command({ query: `INSERT INTO ${ledger} (number, name) VALUES (1000, 'later')` });
  t.deepEqual(await takenBy(t, world, sent(first.url)), before, 'told again, and stored once');
  const second = await world.start('ingest');
  const more = spans.map((frame) => [second.url, laterSpans(frame)] as const);
  t.like(await takenBy(t, world, more), { batches: 2 * spans.length, stored: 3 });
});
