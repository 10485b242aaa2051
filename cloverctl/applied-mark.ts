import { isRecord } from '../functions/lib/plain-value.ts';
import type { AnyResource } from '../knative/resources/kinds.ts';
import type { Manifest } from './documents.ts';

const annotation = 'clover.dev/applied-by';
const mark = 'cloverctl';

/** The document with the annotation that says that `cloverctl apply` wrote it: only such objects are pruned. */
export function marked(document: Manifest['document']): Manifest['document'] {
  const { metadata } = document;
  const { annotations = {} } = metadata;
  // What is no object the control plane refuses by name.
  if (!isRecord(annotations)) return document;
  return {
    ...document,
    metadata: { ...metadata, annotations: { ...annotations, [annotation]: mark } },
  };
}

/** Whether the newest apply of an object was one of `cloverctl apply`. */
export function isMarked({ metadata }: AnyResource): boolean {
  return metadata.annotations?.[annotation] === mark;
}
