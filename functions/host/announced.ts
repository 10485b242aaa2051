import { z } from 'zod';
import type { ResourceReference } from '../../knative/events.ts';
import type { ResourceEvent } from '../resources/store.ts';
import type { Mark } from './broker/messages.ts';

/** The object of an announcement, without its content. */
export type Reference = Omit<ResourceReference, 'apiVersion'>;

/** A change that consumers are told of. */
export interface Announcement {
  readonly type: ResourceEvent['type'];
  readonly object: Reference;
}

/** Each object as it was announced last, by {@link placeOf}. */
export type Announced = ReadonlyMap<string, Reference>;

/** Keys of the marks that keep what was announced: one for each object. */
export const announcedPrefix = 'resource-events/object/';

const reference = z.strictObject({
  kind: z.string(),
  namespace: z.string(),
  name: z.string(),
  uid: z.string(),
  resourceVersion: z.string(),
});

/** Where an object is: an object that was made anew is at the same place. */
export function placeOf({ kind, namespace, name }: Reference): string {
  return `${kind}/${namespace}/${name}`;
}

/** What was announced, from its marks. */
export function announcedOf(marks: readonly Mark[]): Map<string, Reference> {
  const found = marks.map(({ value }) => reference.parse(JSON.parse(value ?? '')));
  return new Map(found.map((object) => [placeOf(object), object]));
}

/** What the table holds of the object after this announcement. */
export function markOf({ type, object }: Announcement): Mark {
  const { kind, namespace, name, uid, resourceVersion } = object;
  return {
    key: announcedPrefix + placeOf(object),
    value:
      type === 'DELETED'
        ? undefined
        : JSON.stringify({ kind, namespace, name, uid, resourceVersion }),
  };
}

/** Whether consumers were told of this change before, or of what came after it. */
export function isAnnounced(announced: Announced, { type, object }: Announcement): boolean {
  const last = announced.get(placeOf(object));
  // Where the deletion was found by its absence, its own version was not known.
  if (type === 'DELETED') return last?.uid !== object.uid;
  return last?.uid === object.uid && last.resourceVersion === object.resourceVersion;
}

/**
 * What has to be announced so that consumers know of everything that there is, and of nothing else. The deletion
 * of an object has the version that was announced last: its own is not known any more.
 */
export function difference(
  announced: Announced,
  present: readonly Reference[],
): readonly Announcement[] {
  const uids = new Map(present.map((object) => [placeOf(object), object.uid]));
  const deleted = [...announced]
    .filter(([place, { uid }]) => uids.get(place) !== uid)
    .map(([, object]): Announcement => ({ type: 'DELETED', object }));
  const changed = present.flatMap((object): Announcement[] => {
    const last = announced.get(placeOf(object));
    if (last?.uid !== object.uid) return [{ type: 'ADDED', object }];
    return last.resourceVersion === object.resourceVersion ? [] : [{ type: 'MODIFIED', object }];
  });
  return [...deleted, ...changed];
}
