import type { CaptureLedger } from '../../../native/capture/types.ts';
import {
  gapsOf,
  play,
  segmentsOfTurns,
  startReplay,
  type Turn,
  type Wire,
} from './conversation.ts';
import { type HeaderField, headers, HpackEncoder, preface, settings } from './http2.ts';
import type { DecodedSpan } from './otlp.ts';

/** Bytes from hexadecimal digits and blanks. */
export const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

/** How both ends begin; two segments. */
export const opening: readonly Turn[] = [
  { from: 'client', bytes: Buffer.concat([preface, settings()]) },
  { from: 'server', bytes: settings() },
];

/** The block of a plain 200. */
export const ok: Buffer = Buffer.from([0x88]);

/** The fields of a plain request. */
export const base: readonly HeaderField[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/p?a=1'],
  [':authority', 'shop.example:8080'],
];

/** A block that depends on no other. */
export const block = (...fields: readonly HeaderField[]): Buffer =>
  new HpackEncoder().encode(fields, 'plain');

/** The block of {@link base}. */
export const get: Buffer = block(...base);

/** Request blocks and response blocks of one connection, in turn; the answer is 200 where none is given. */
export const exchangesOf = (
  requests: readonly Uint8Array[],
  responses: readonly Uint8Array[] = [],
): Turn[] =>
  requests.flatMap((request, index): Turn[] => [
    { from: 'client', bytes: headers(2 * index + 1, request, true) },
    { from: 'server', bytes: headers(2 * index + 1, responses[index] ?? ok, true) },
  ]);

/** What a connection gives of which the first `skip` segments (the handshake is two) were not seen; throws where the ledger has gaps. */
export async function readTurns(
  turns: readonly Turn[],
  skip = 0,
  wire: Partial<Wire> = {},
): Promise<{ spans: DecodedSpan[]; ledger: CaptureLedger }> {
  const { replay, spans } = startReplay();
  play(
    replay,
    segmentsOfTurns(turns, { clientIsn: 5, serverIsn: 9, cuts: [60_000], ...wire }).slice(skip),
  );
  await replay.flush();
  const ledger = replay.ledger();
  const gaps = gapsOf(ledger);
  if (gaps.length > 0) throw new Error(gaps.join('; '));
  await replay.close();
  return { spans, ledger };
}
