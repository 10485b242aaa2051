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

/** A span in one line: database, name, status code or error, text. */
export const brief = ({ name, attributes: a }: DecodedSpan): string =>
  [
    a['db.namespace'] ?? '-',
    name,
    a['db.response.status_code'] ?? a['error.type'] ?? 'ok',
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
