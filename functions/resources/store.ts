import type { AnyResource, Kind, KindMap } from '../../knative/resources/kinds.ts';

/**
 * A change of an object, with the object after it. Resource versions are opaque: two of one object are equal or
 * not, and nothing else. Changes in quick succession may be told as one.
 */
export interface ResourceEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: AnyResource;
}

/** What a user or a function asks to be applied. */
export interface ApplyInput {
  readonly kind: Kind;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels?: Readonly<Record<string, string>> | undefined;
    readonly annotations?: Readonly<Record<string, string>> | undefined;
  };
  /** Checked by the kind's schema and by admission. */
  readonly spec: unknown;
}

/** Options of {@link ResourceStore.applySpec}. */
export interface ApplyOptions {
  /** Who writes, as in server-side apply. */
  readonly manager: string;
  /** Check only; nothing is stored. */
  readonly dryRun?: boolean;
  /** Only if the object still has this resource version; the empty text: only if there is none. */
  readonly resourceVersion?: string;
}

/** Which objects of a kind a list shows. */
export interface ListOptions {
  /** Kubernetes' label selector, equality-based or set-based: `app=web,tier in (a, b),!old`. */
  readonly labelSelector?: string;
  /** Only objects of this name, as Kubernetes' field selector `metadata.name=` has it. */
  readonly name?: string;
  /** Values of fields that the kind has as selectable ones, such as `{ 'spec.targetRef.name': 'proxy' }`. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Only objects whose `status.phase` is none of those that are never left. It is a selectable field of the kind. */
  readonly unfinished?: boolean;
  /** At most so many objects, from 1. Default: all. */
  readonly limit?: number;
  /**
   * The `continue` of the page before. Pages show the objects as they are when each page is read,
   * at the resource version of the first one.
   */
  readonly continue?: string;
}

/** One page of a list. */
export interface ResourceList<K extends Kind> {
  /** By namespace, then name. */
  readonly items: readonly KindMap[K][];
  /** From where a watch goes on without a gap. */
  readonly resourceVersion: string;
  /** Where the next page begins; absent on the last one. */
  readonly continue?: string;
  /** Objects behind this page; absent on the last one. */
  readonly remainingItemCount?: number;
}

/** What an object has to be still, to be deleted. */
export interface Preconditions {
  readonly uid?: string;
  readonly resourceVersion?: string;
}

/** Wish and fact of every object. Implementations: local (SQLite); Kubernetes. */
export interface ResourceStore {
  /** The object, or undefined. */
  get<K extends Kind>(kind: K, namespace: string, name: string): Promise<KindMap[K] | undefined>;

  /**
   * The objects of a kind (of one namespace, if given) at one resource version.
   * @throws CloverError CLV_ARGUMENT_INVALID for a bad selector or `continue`; CLV_RESOURCE_GONE when
   * `continue` is too old: list again from the start.
   */
  list<K extends Kind>(
    kind: K,
    namespace?: string,
    options?: ListOptions,
  ): Promise<ResourceList<K>>;

  /**
   * Changes of a kind after `resourceVersion` until the signal aborts, those of one object in their order. The version of a
   * list of that kind, or of any event of it, is a place to go on from. A connection that breaks is made anew.
   * @throws CloverError at the call or at any step: CLV_RESOURCE_GONE when that version is too old: list again;
   * CLV_ARGUMENT_INVALID when it is none.
   */
  watch(
    kind: Kind,
    resourceVersion: string,
    options: { readonly signal: AbortSignal },
  ): AsyncIterable<ResourceEvent>;

  /**
   * Creates the object or replaces its whole spec, whoever wrote it before: managers never conflict, the last
   * one wins; who must not overwrite another's change gives the resource version. Labels and annotations that the
   * same manager applied before, and does not apply again, go; on Kubernetes those of other managers stay, the local
   * store knows of one manager only. An equal document changes nothing. An object that is
   * being deleted takes the document and goes all the same: the answer has its `deletionTimestamp`.
   * @throws CloverError CLV_RESOURCE_INVALID with the path of every bad field; CLV_CONFLICT when it
   * has not the wanted resource version.
   */
  applySpec(input: ApplyInput, options: ApplyOptions): Promise<AnyResource>;

  /**
   * Replaces status (and finalizers, if given) if the object is still the one that was read, by uid and resource
   * version. An equal status changes nothing. A deleted object goes with its last finalizer.
   * @throws CloverError CLV_CONFLICT, CLV_NOT_FOUND; CLV_RESOURCE_INVALID for a status that its schema does not take, and
   * for a new finalizer on an object that is being deleted.
   */
  patchStatus<K extends Kind>(
    object: KindMap[K],
    status: KindMap[K]['status'],
    finalizers?: readonly string[],
  ): Promise<KindMap[K]>;

  /**
   * Deletes the object, or marks it deleted while finalizers remain, which counts up its generation. The mark
   * is never taken back; to delete again changes nothing.
   * @throws CloverError CLV_NOT_FOUND; CLV_CONFLICT when it is not what the preconditions say.
   */
  delete(
    kind: Kind,
    namespace: string,
    name: string,
    preconditions?: Preconditions,
  ): Promise<AnyResource>;

  /** Releases files and watches. */
  close(): Promise<void>;
}
