import type { ExecutionContext } from 'ava';
import fc from 'fast-check';

import type { CaptureLedger } from '../../../native/capture/types.ts';
import { gapsOf, readPackets, segmentsOfTurns, type Turn } from './conversation.ts';
import type { DecodedSpan } from './otlp.ts';

/** What a connection gives, cut into segments of these sizes; throws where the ledger has gaps. */
export async function readDatabase(
  turns: readonly Turn[],
  cuts: readonly number[] = [60_000],
  keep: (index: number) => boolean = () => true,
): Promise<{ spans: DecodedSpan[]; ledger: CaptureLedger }> {
  const segments = segmentsOfTurns(turns, { clientIsn: 5, serverIsn: 9, cuts });
  const read = await readPackets(
    segments.filter((_, index) => keep(index)),
    60_000_000_000n,
  );
  const gaps = gapsOf(read.ledger);
  if (gaps.length > 0) throw new Error(gaps.join('; '));
  return read;
}

/** A span in one line: database, name, status code or error (`?` where a hole took it), text. */
export const brief = ({ name, attributes: a }: DecodedSpan): string =>
  [
    a['db.namespace'] ?? '-',
    name,
    a['db.response.status_code'] ??
      a['error.type'] ??
      (a['clover.incomplete'] === undefined ? 'ok' : '?'),
    a['db.operation.batch.size'] ?? '',
    a['db.query.text'] ?? '',
  ].join(' | ');

/** Bytes of one end, from text in which each character is a byte. */
export const client = (...text: string[]): Turn => ({
  from: 'client',
  bytes: Buffer.from(text.join(''), 'latin1'),
});

/** The same of the other end. */
export const server = (...text: string[]): Turn => ({
  from: 'server',
  bytes: Buffer.from(text.join(''), 'latin1'),
});

/** Asserts that a connection gives these spans ({@link brief}) however it is cut, and whichever segments come again or early. */
export async function assertAnyOrder(
  t: ExecutionContext,
  turns: fc.Arbitrary<readonly Turn[]>,
  expected: readonly string[],
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(
      turns,
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 6 }),
      fc.array(fc.nat(), { maxLength: 8 }),
      async (exchanges, cuts, moves) => {
        const segments = segmentsOfTurns(exchanges, { clientIsn: 0xffff_fff0, serverIsn: 9, cuts });
        for (const move of moves) {
          const at = 2 + (move % (segments.length - 4));
          const [one] = segments.slice(at, at + 1);
          if (one !== undefined) segments.splice(2 + ((move * 7) % (segments.length - 4)), 0, one);
        }
        const { spans, ledger } = await readPackets(segments);
        t.deepEqual(spans.map(brief), expected);
        t.deepEqual(gapsOf(ledger), []);
      },
    ),
    { numRuns: 300 },
  );
}

/**
 * Asserts that each span is one of these lines ({@link brief}) but for its database, and that one at most does not know how it ended:
 * the one whose answer has the hole.
 */
export function assertRightOrCut(
  t: ExecutionContext,
  spans: readonly DecodedSpan[],
  lines: readonly string[],
): void {
  const told = spans.map((span) => brief(span).replace(/^[^|]*\| /, ''));
  const others = told.filter((line) => !lines.includes(line));
  const cut = new Set(lines.map((line) => line.replace(/\| [^|]* \|/, '| ? |')));
  for (const line of others) t.true(cut.has(line), line);
  t.true(others.length <= 1, others.join('; '));
}

/** Where {@link assertNamedLosses} looks. */
export interface Losses {
  /** The first segment that may be missing: what comes before is the login. */
  readonly from: number;
  /** So many exchanges does a connection that is joined late need until it is told. */
  readonly untold: number;
}

/** Asserts of a connection with a turn a segment: behind a hole and from the middle each span is right, or its loss has a name. */
export async function assertNamedLosses(
  t: ExecutionContext,
  turns: readonly Turn[],
  expected: readonly string[],
  { from, untold }: Losses,
): Promise<void> {
  const cuts = [1000];
  const count = segmentsOfTurns(turns, { clientIsn: 5, serverIsn: 9, cuts }).length;
  for (let at = from; at < count - 2; at++)
    for (const keep of [(index: number) => index !== at, (index: number) => index >= at]) {
      const { spans, ledger } = await readDatabase(turns, cuts, keep);
      assertRightOrCut(t, spans, expected);
      const joined = keep(at);
      const least = joined ? Math.floor((count - 2 - at) / 2) - untold : expected.length - 2;
      t.true(spans.length >= least, `${at}: ${spans.length} of ${least}`);
      if (!joined) t.is(ledger.requests.seen, expected.length, `${at}`);
    }
}
