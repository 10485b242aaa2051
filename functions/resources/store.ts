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
}

/** Wish and fact of every object. Implementations: local (SQLite); Kubernetes. */
export interface ResourceStore {
  /** The object, or undefined. */
  get<K extends Kind>(kind: K, namespace: string, name: string): Promise<KindMap[K] | undefined>;

  /** All objects of a kind (of one namespace, if given) at one resource version. */
  list<K extends Kind>(
    kind: K,
    namespace?: string,
  ): Promise<{ readonly items: readonly KindMap[K][]; readonly resourceVersion: string }>;

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
   * @throws CloverError CLV_RESOURCE_INVALID with the path of every bad field.
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

  /** Deletes the object, or marks it deleted while finalizers remain. */
  delete(kind: Kind, namespace: string, name: string): Promise<AnyResource>;

  /** Releases files and watches. */
  close(): Promise<void>;
}
