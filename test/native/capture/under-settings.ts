import type { TraceSettings } from '../../../native/capture/trace-settings.ts';
import { play, pod, segmentsOfTurns, startReplay, wire, type Turn } from './conversation.ts';
import type { DecodedSpan } from './otlp.ts';

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
