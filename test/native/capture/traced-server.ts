import type { ExecutionContext } from 'ava';

import { createCapture } from '../../../native/capture/capture.ts';
import type { Capture, CaptureOptions } from '../../../native/capture/types.ts';
import { pod } from './conversation.ts';
import { type DecodedSpan, decodeSpans } from './otlp.ts';
import { startTestbed, type Testbed } from './testbed.ts';

/** A server in a namespace of its own, whose veth is captured. */
export interface TracedServer {
  readonly bed: Testbed;
  readonly capture: Capture;
  /** What the capture gave so far. */
  readonly spans: DecodedSpan[];
}

/**
 * Starts a script ({@link Testbed.run}) and captures what it is asked until the test ends; needs root.
 *
 * @param ports the ports that are traced; none: all
 * @param options of the capture, beside those that all have
 */
export async function startTracedServer(
  t: ExecutionContext,
  script: string,
  ports: readonly number[] = [],
  options: Pick<CaptureOptions, 'idleTimeoutMs'> = {},
): Promise<TracedServer> {
  const bed = await startTestbed();
  t.teardown(() => bed[Symbol.dispose]());
  await bed.run(script);
  const spans: DecodedSpan[] = [];
  const capture = createCapture({
    boot: '8899aabbccddeeff',
    ringBytes: 16 * 1024 * 1024,
    onBatch: ({ otlp }) => spans.push(...decodeSpans(otlp)),
    ...options,
  });
  t.teardown(() => capture.close());
  capture.attach(bed.ifindex, pod);
  if (ports.length > 0) capture.setPorts(ports);
  return { bed, capture, spans };
}
