import type { DeliveryOutcome } from '../delivery.ts';
import { protobufField, protobufFields } from './protobuf-reader.ts';

/** What an `ExportTraceServiceResponse` says: `partial_success.rejected_spans` are not to be sent again. */
export function takenBy(response: Buffer): DeliveryOutcome {
  const partial = protobufField(response, 1)?.bytes;
  const refused = partial === undefined ? 0 : (protobufField(partial, 1)?.value ?? 0);
  return { kind: 'taken', refused };
}

/**
 * `retry_delay` of the `google.rpc.RetryInfo` in a `google.rpc.Status`, in ms; undefined without one.
 * Over gRPC it is in `grpc-status-details-bin`.
 */
export function retryDelayMs(status: Buffer): number | undefined {
  for (const { number, bytes: any } of protobufFields(status)) {
    const type = number === 3 ? protobufField(any, 1)?.bytes.toString() : undefined;
    if (type?.endsWith('/google.rpc.RetryInfo') !== true) continue;
    const info = protobufField(any, 2)?.bytes;
    const delay = info === undefined ? undefined : protobufField(info, 1)?.bytes;
    if (delay === undefined) return 0;
    const [seconds, nanos] = [protobufField(delay, 1)?.value, protobufField(delay, 2)?.value];
    return (seconds ?? 0) * 1_000 + (nanos ?? 0) / 1e6;
  }
  return undefined;
}
