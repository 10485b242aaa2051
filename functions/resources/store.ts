import type { AnyResource, Kind, KindMap } from '../../knative/resources/kinds.ts';

/** A change of an object, in the order of resource versions. */
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
  readonly finalizers?: readonly string[];
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
   * Changes after `resourceVersion`, in order, until the signal aborts.
   * @throws CloverError CLV_RESOURCE_GONE when that version is too old: list again.
   */
  watch(
    resourceVersion: string,
    options: { readonly kind?: Kind; readonly signal: AbortSignal },
  ): AsyncIterable<ResourceEvent>;

  /**
   * Creates the object or replaces its whole spec. An equal spec changes nothing.
   * @throws CloverError CLV_RESOURCE_INVALID with the path of every bad field; CLV_CONFLICT when it
   * has not the wanted resource version, or is being deleted.
   */
  applySpec(input: ApplyInput, options: ApplyOptions): Promise<AnyResource>;

  /**
   * Replaces status (and finalizers, if given) if the object still has that resource version.
   * @throws CloverError CLV_CONFLICT, CLV_NOT_FOUND.
   */
  patchStatus<K extends Kind>(
    object: KindMap[K],
    status: KindMap[K]['status'],
    finalizers?: readonly string[],
  ): Promise<KindMap[K]>;

  /**
   * Deletes the object, or marks it deleted while finalizers remain.
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
