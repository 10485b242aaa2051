import type { CaptureLedger } from '../../../native/capture/types.ts';
import {
  client,
  gapsOf,
  play,
  segmentsOfTurns,
  server,
  startNs,
  startReplay,
  type Turn,
  type Wire,
} from './conversation.ts';
import type { DecodedSpan } from './otlp.ts';

/** Requests and their responses in turn. */
export const inTurn = (...pairs: readonly (readonly [Buffer, Buffer])[]): Turn[] =>
  pairs.flatMap(([ask, answer]) => [client(ask), server(answer)]);

/** What a conversation gives of the segments that are kept; throws where the ledger has gaps. */
export async function read(
  turns: readonly Turn[],
  wire: Partial<Wire> = {},
  keep: (at: number) => boolean = () => true,
): Promise<{ spans: DecodedSpan[]; ledger: CaptureLedger }> {
  const segments = segmentsOfTurns(turns, { clientIsn: 5, serverIsn: 9, cuts: [60_000], ...wire });
  const { replay, spans } = startReplay();
  play(
    replay,
    segments.filter((_, at) => keep(at)),
  );
  // Whoever waits for what was lost gives it up.
  for (let second = 1n; second < 4n; second++) replay.advance(startNs + second * 1_000_000_000n);
  await replay.flush();
  const ledger = replay.ledger();
  await replay.close();
  if (gapsOf(ledger).length > 0) throw new Error(gapsOf(ledger).join());
  return { spans, ledger };
}

/** Name and error of each span. */
export const brief = (spans: readonly DecodedSpan[]): string[] =>
  spans.map(({ name, attributes }) => [name, attributes['error.type']].filter(Boolean).join(' '));
