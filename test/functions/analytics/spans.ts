import { randomBytes } from 'node:crypto';
import type { SpanBlock } from '../../../functions/analytics/store.ts';
import { createTraceDecoder } from '../../../native/codec/codec.ts';
import { encodeTraces, type TestSpan } from '../../native/codec/otlp-encoder.ts';

const decoder = createTraceDecoder();

/** A server span with random ids that starts at `startMs` and takes 1 ms. */
export function serverSpan(startMs: number, more: Partial<TestSpan> = {}): TestSpan {
  const start = BigInt(startMs) * 1_000_000n;
  return {
    traceId: randomBytes(16),
    spanId: randomBytes(8),
    name: 'GET',
    kind: 2,
    start,
    end: start + 1_000_000n,
    ...more,
  };
}

/** OTLP of the spans, all of one service and version. */
export function otlpOf(spans: readonly TestSpan[], service = 'proxy', version = 'v1'): Buffer {
  return encodeTraces([
    {
      attributes: [
        ['service.name', service],
        ['service.version', version],
        ['k8s.pod.uid', 'u-1'],
      ],
      spans,
    },
  ]);
}

/** The spans as a block for the store. */
export function blockOf(spans: readonly TestSpan[], service?: string, version?: string): SpanBlock {
  const decoded = decoder.decodeTraces(otlpOf(spans, service, version));
  return { data: decoded.block, spans: decoded.spans };
}
