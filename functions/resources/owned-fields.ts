import { isRecord } from '../lib/plain-value.ts';

const ownedMetadata = new Set([
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'finalizers',
  'managedFields',
  'selfLink',
]);

/**
 * What a user wishes: a document without its status and without the metadata that the store owns, so that what was read
 * can be applied, as with an API server. All else stays, whatever it is.
 */
export function withoutOwned(document: unknown): unknown {
  if (!isRecord(document) || !isRecord(document['metadata'])) return document;
  // By entries: a copy by spreading, or by a schema, would lose a key such as `__proto__` unseen.
  const kept = Object.entries(document['metadata']).filter(([key]) => !ownedMetadata.has(key));
  return Object.fromEntries(
    Object.entries(document)
      .filter(([key]) => key !== 'status')
      .map(([key, value]) => [key, key === 'metadata' ? Object.fromEntries(kept) : value]),
  );
}
