import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

const endpoint = z.strictObject({ address: z.string(), port: z.number() });
const time = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
const attributes = z.record(z.string(), z.unknown());
const spanLine = z.strictObject({
  kind: z.enum(['span', 'session']),
  protocol: z.enum([
    'dns',
    'grpc',
    'http',
    'http2',
    'kafka',
    'mysql',
    'postgresql',
    'redis',
    'sip',
  ]),
  name: z.string(),
  start: time,
  durationMs: z.number().nonnegative(),
  status: z.union([z.number(), z.string(), z.null()]),
  client: endpoint,
  server: endpoint,
  streamId: z.number().nullable(),
  incomplete: z.boolean(),
  attributes,
  events: z
    .array(z.strictObject({ name: z.string(), time, attributes }))
    .min(1)
    .optional(),
});
const ledgerLine = z.strictObject({
  kind: z.literal('ledger'),
  requests: z.number(),
  spans: z.number(),
  sampledOut: z.number(),
  lost: z.record(z.string(), z.number()),
  sessions: z.strictObject({
    seen: z.number(),
    spans: z.number(),
    lost: z.record(z.string(), z.number()),
  }),
  bytes: z.strictObject({
    seen: z.number(),
    parsed: z.number(),
    skipped: z.number(),
    lost: z.number(),
  }),
  otherPackets: z.record(z.string(), z.number()),
});

type SpanLine = z.infer<typeof spanLine>;

/** Spans, sessions and ledger of `--json`; the ledger closes. */
export function readLines(stdout: string): {
  readonly spans: readonly SpanLine[];
  readonly sessions: readonly SpanLine[];
  readonly ledger: z.infer<typeof ledgerLine>;
} {
  const lines = stdout.trimEnd().split('\n');
  const shown = lines.slice(0, -1).map((line) => spanLine.parse(JSON.parse(line)));
  const spans = shown.filter(({ kind }) => kind === 'span');
  const sessions = shown.filter(({ kind }) => kind === 'session');
  const ledger = ledgerLine.parse(JSON.parse(lines.at(-1) ?? ''));
  const lost = Object.values(ledger.lost).reduce((sum, count) => sum + count, 0);
  const { seen, parsed, skipped, lost: lostBytes } = ledger.bytes;
  if (ledger.requests !== ledger.spans + ledger.sampledOut + lost || ledger.spans !== spans.length)
    throw new Error('requests do not add up');
  if (ledger.sessions.spans !== sessions.length) throw new Error('sessions do not add up');
  if (seen !== parsed + skipped + lostBytes) throw new Error('bytes do not add up');
  return { spans, sessions, ledger };
}

/** Calls with the path of a file that is gone afterwards. */
export async function inFile<T>(file: Uint8Array, use: (path: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'clover-test-'));
  try {
    const path = join(folder, 'capture');
    await writeFile(path, file);
    return await use(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
