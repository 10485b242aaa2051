import { CloverError } from '../../functions/lib/errors.ts';
import { loadBinding } from './binding.ts';
import type { TraceDecoder } from './types.ts';

/**
 * A decoder of OTLP traces, in C++. Strict: input with any fault gives no block at all; unknown
 * fields are skipped. Attributes nested deeper than 32 and inputs that become more than 256 MiB of
 * columns are refused.
 */
export function createTraceDecoder(): TraceDecoder {
  const binding = loadBinding();
  return {
    decodeTraces(otlp) {
      const result = binding.decode_traces(otlp);
      if ('block' in result) return result;
      throw new CloverError(
        'CLV_TELEMETRY_MALFORMED',
        `not OTLP traces: ${result.reason} at byte ${result.offset}`,
        { details: [{ field: `byte ${result.offset}`, message: result.reason }] },
      );
    },
  };
}
