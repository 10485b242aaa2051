import type { TraceSettings } from '../../../native/capture/trace-settings.ts';
import { play, pod, segmentsOfTurns, startReplay, type Turn } from './conversation.ts';
import type { DecodedSpan } from './otlp.ts';

/** Where a conversation whose bytes do not matter begins, and that it comes in few pieces. */
export const wire = { clientIsn: 5, serverIsn: 9, cuts: [60_000] } as const;

/** Lines of a head, and its end. */
export const headOf = (...lines: readonly string[]): Buffer =>
  Buffer.from([...lines, '', ''].join('\r\n'));

/** The spans of a conversation of a pod whose Taps say these settings. */
export async function spansOf(
  turns: readonly Turn[],
  settings: TraceSettings,
): Promise<DecodedSpan[]> {
  const { replay, spans } = startReplay();
  replay.attach(7, pod, settings);
  play(replay, segmentsOfTurns(turns, wire));
  await replay.flush();
  await replay.close();
  return spans;
}

/** What a span has of headers and metadata. */
export const headersOf = (span: DecodedSpan | undefined): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(span?.attributes ?? {}).filter(([key]) => /header|metadata/.test(key)),
  );
