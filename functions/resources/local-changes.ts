import { randomUUID } from 'node:crypto';
import type { AnyResource, Kind } from '../../knative/resources/kinds.ts';
import { apiVersion, type ObjectMeta } from '../../knative/resources/meta.ts';
import { canonicalJson } from '../lib/canonical-json.ts';
import { CloverError } from '../lib/errors.ts';
import type { Admitted } from './admission.ts';
import { anyResource, label } from './stored-resource.ts';
import type { Preconditions } from './store.ts';

/**
 * The object once a document is applied to it, but for its resource version. Uid, creation, finalizers, a mark of
 * deletion and the status stay; only another spec counts up the generation.
 */
export function withDocument(
  kind: Kind,
  { metadata, spec }: Admitted,
  existing: AnyResource | undefined,
  now: number,
): AnyResource {
  const { name, namespace, labels = {}, annotations = {} } = metadata;
  const old: ObjectMeta = existing?.metadata ?? {
    name,
    namespace,
    uid: randomUUID(),
    resourceVersion: '0',
    generation: 0,
    creationTimestamp: new Date(now).toISOString(),
  };
  const { labels: _labels, annotations: _annotations, ...kept } = old;
  const isSame = canonicalJson(existing?.spec ?? null) === canonicalJson(spec);
  return plain({
    apiVersion,
    kind,
    metadata: {
      ...kept,
      generation: old.generation + (isSame ? 0 : 1),
      ...(Object.keys(labels).length > 0 ? { labels } : {}),
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    },
    spec,
    status: existing?.status ?? {},
  });
}

/**
 * The object with another status and, if given, other finalizers.
 * @throws CloverError CLV_RESOURCE_INVALID for a new finalizer on an object that is being deleted.
 */
export function withStatus(
  current: AnyResource,
  status: unknown,
  finalizers: readonly string[] | undefined,
): AnyResource {
  const { finalizers: before = [], ...metadata } = current.metadata;
  const left = finalizers ?? before;
  const added = left.filter((each) => !before.includes(each));
  if (metadata.deletionTimestamp !== undefined && added.length > 0) {
    const message = `found ${added.join(', ')}; must not be added to an object that is being deleted`;
    throw new CloverError(
      'CLV_RESOURCE_INVALID',
      `${nameOf(current)} is invalid: metadata.finalizers: ${message}`,
      { details: [{ field: 'metadata.finalizers', message }] },
    );
  }
  return plain({
    ...current,
    metadata: left.length > 0 ? { ...metadata, finalizers: left } : metadata,
    status,
  });
}

/** The object marked as deleted. As in Kubernetes the mark counts up the generation. */
export function withDeletion(current: AnyResource, now: number): AnyResource {
  const { metadata } = current;
  if (metadata.deletionTimestamp !== undefined) return current;
  const deletionTimestamp = new Date(now).toISOString();
  const generation = metadata.generation + 1;
  return plain({ ...current, metadata: { ...metadata, generation, deletionTimestamp } });
}

/** Whether the last finalizer of a deleted object is gone. */
export function isOver({ metadata }: AnyResource): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0;
}

/**
 * Checks what an object has to be still; the empty text: that there is none.
 * @throws CloverError CLV_CONFLICT.
 */
export function demandState(
  what: string,
  preconditions: Preconditions,
  current: AnyResource | undefined,
): void {
  for (const field of ['uid', 'resourceVersion'] as const) {
    const wanted = preconditions[field];
    const found = current?.metadata[field] ?? '';
    if (wanted === undefined || wanted === found) continue;
    const shown = (value: string): string =>
      value === '' ? 'no such object' : `${field} ${value}`;
    const message = `${what}: expected ${shown(wanted)}, found ${shown(found)}: read it again`;
    throw new CloverError('CLV_CONFLICT', message);
  }
}

function nameOf({ kind, metadata }: AnyResource): string {
  return label(kind, metadata.namespace, metadata.name);
}

/** The object as JSON would give it back: no undefined, nothing shared with the caller. */
function plain(value: unknown): AnyResource {
  const copy: unknown = JSON.parse(JSON.stringify(value));
  return anyResource(copy);
}
