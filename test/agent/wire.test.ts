import { zstdDecompressSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { createReplay } from '../../native/capture/capture.ts';
import type { Replay } from '../../native/capture/types.ts';
import { framesOf, keptVersions, type Frame, type Frames } from '../faults/frames.ts';
import { play, pod, segmentsOf, type Exchange } from '../native/capture/conversation.ts';
import { decodeSpans, type DecodedSpan } from '../native/capture/otlp.ts';
import type { Received } from './helpers/control-plane.ts';
import { eventually, makeBed } from './helpers/test-agent.ts';

/** Like those whose frames were kept. */
const checkout: Exchange = {
  request: Buffer.from(
    `GET /checkout HTTP/1.1\r\nHost: web\r\ntraceparent: 00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01\r\n\r\n`,
  ),
  response: Buffer.from(
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx-clover-arm: shift-1.2.variant\r\n\r\nok',
  ),
  method: 'GET',
  path: '/checkout',
  status: 200,
  requestBytes: 0,
  responseBytes: 2,
};

const frameOf = ({ headers, body }: Received): Frame => ({
  headers: Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, String(value)]),
  ),
  body,
});

/** What an agent of today sends of three requests of an arm, from the first packet to the request over HTTP. */
async function framesOfToday(t: ExecutionContext): Promise<Frames> {
  const bed = await makeBed(t);
  const made: Replay[] = [];
  const agent = await bed.startWith((options) => {
    const replay = createReplay(options);
    made.push(replay);
    return { ...replay, kernelCpuNs: () => 0 };
  });
  for (const replay of made) {
    replay.attach(7, pod);
    const wire = { clientIsn: 1, serverIsn: 1, cuts: [1_000], stepNs: 1_000_000n };
    play(replay, segmentsOf([[checkout], [checkout], [checkout]], wire));
    await replay.flush();
  }
  const got = (path: string): Received[] =>
    bed.plane.received.filter((request) => request.path === path);
  await eventually('spans', () => got('/functions/ingest').length > 0);
  await eventually('cells', () => bed.plane.reports().some(({ cells }) => cells.length > 0));
  await agent.stop();
  return {
    spans: got('/functions/ingest').map(frameOf),
    evidence: got('/broker')
      .filter((_, index) => (bed.plane.reports()[index]?.cells.length ?? 0) > 0)
      .map(frameOf),
  };
}

/** Where there are values in something, and of what type: `cells[].block: number`. Of a header also what it looks like. */
function* fieldsIn(value: unknown, path = ''): Generator<string, void, void> {
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    for (const item of items) yield* fieldsIn(item, `${path}[]`);
  } else if (typeof value === 'object' && value !== null) {
    const fields: readonly [string, unknown][] = Object.entries(value);
    for (const [name, field] of fields) yield* fieldsIn(field, `${path}/${name}`);
  } else {
    yield `${path}: ${typeof value}`;
  }
}

/** Headers by which a receiver chooses how to read the rest. */
const fixed: ReadonlySet<string> = new Set([
  'ce-specversion',
  'ce-type',
  'content-encoding',
  'content-type',
]);

const formatOf = (value: string): string =>
  value.replaceAll(/\b[0-9a-f]{16}\b/g, '<boot>').replaceAll(/\d+(\.\d+)?/g, '<number>');

const headersOf = ({ headers }: Frame): string[] =>
  Object.entries(headers).map(
    ([name, value]) => `${name}: ${fixed.has(name) ? value : formatOf(value)}`,
  );

/** Protobuf has no word for a field that is not there: it reads as empty, or 0. */
const toldOf = (span: DecodedSpan): object => {
  const fields: readonly [string, unknown][] = Object.entries(span);
  return Object.fromEntries(
    fields.filter(([, value]) => value !== '' && value !== 0 && value !== 0n),
  );
};

/** What a receiver may rely on: headers, and the fields of the data with their types. */
const contractOf = (all: readonly Frame[], read: (body: Buffer) => unknown): Set<string> =>
  new Set(all.flatMap((frame) => [...headersOf(frame), ...fieldsIn(read(frame.body))]));

const ofSpans = ({ spans }: Frames): Set<string> =>
  contractOf(spans, (body) => decodeSpans(zstdDecompressSync(body)).map(toldOf));
const ofEvidence = ({ evidence }: Pick<Frames, 'evidence'>): Set<string> =>
  contractOf(evidence, (body) => JSON.parse(body.toString()));

/** What of a contract another one does not keep. */
const broken = (before: Set<string>, today: Set<string>): string[] =>
  [...before].filter((field) => !today.has(field));

for (const version of keptVersions) {
  test(`what agents of ${version} said they say today, and may say more`, async (t) => {
    const [before, today] = [await framesOf(version), await framesOfToday(t)];
    for (const fields of [ofSpans, ofEvidence]) {
      t.true(fields(before).size > 15);
      t.deepEqual(
        broken(fields(before), fields(today)),
        [],
        `gone, or of another type. Functions of ${version} rely on it: send it as another type of event.`,
      );
    }
  });
}

const evidenceOf = (headers: Readonly<Record<string, string>>, data: unknown): Set<string> =>
  ofEvidence({ evidence: [{ headers, body: Buffer.from(JSON.stringify(data)) }] });

test('frames are compared by their headers, and by names and types of their fields', (t) => {
  const before = evidenceOf(
    { 'ce-type': 'some.v1', 'ce-id': '0123456789abcdef-e2', 'ce-source': '/nodes/node-1/x' },
    { sequence: 2, cells: [{ arm: '' }, { arm: 'v1', histogram: [[1, 2]] }] },
  );
  const after = evidenceOf(
    { 'ce-type': 'some.v2', 'ce-id': 'fedcba9876543210-e11', 'ce-source': '/node-7/x' },
    { sequence: '3', cells: [{ arms: '' }, { histogram: [[1, 2, 3]], more: true }] },
  );
  t.deepEqual(broken(before, after), [
    'ce-type: some.v1',
    'ce-source: /nodes/node-<number>/x',
    '/sequence: number',
    '/cells[]/arm: string',
  ]);
});
