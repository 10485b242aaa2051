import { protobufField, protobufFields } from './protobuf-reader.ts';

/** A part of an OTLP `TracesData`, which is one itself. */
export interface SelectedSpans {
  readonly otlp: Buffer;
  readonly spans: number;
}

/**
 * The spans of the pods that are wanted, by their uid: whole `ResourceSpans`, as the capture wrote them. Undefined where there
 * are none. The bytes are copied: the capture's buffer is given back soon.
 */
export function selectResources(
  tracesData: Buffer,
  wants: (podUid: string) => boolean,
): SelectedSpans | undefined {
  const parts: Buffer[] = [];
  let spans = 0;
  for (const { number, bytes, start, end } of protobufFields(tracesData)) {
    if (number !== 1 || !wants(podUidOf(bytes))) continue;
    parts.push(tracesData.subarray(start, end));
    spans += countSpans(bytes);
  }
  return parts.length === 0 ? undefined : { otlp: Buffer.concat(parts), spans };
}

/** `ResourceSpans.resource.attributes["k8s.pod.uid"]`. */
function podUidOf(resourceSpans: Buffer): string {
  const resource = protobufField(resourceSpans, 1)?.bytes;
  if (resource === undefined) return '';
  for (const { number, bytes } of protobufFields(resource)) {
    if (number !== 1 || protobufField(bytes, 1)?.bytes.toString() !== 'k8s.pod.uid') continue;
    const value = protobufField(bytes, 2)?.bytes;
    return (value && protobufField(value, 1)?.bytes.toString()) ?? '';
  }
  return '';
}

function countSpans(resourceSpans: Buffer): number {
  let count = 0;
  for (const scope of protobufFields(resourceSpans)) {
    if (scope.number !== 2) continue;
    for (const { number } of protobufFields(scope.bytes)) if (number === 2) count += 1;
  }
  return count;
}
