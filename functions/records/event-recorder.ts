import type {
  KubernetesEvent,
  KubernetesEventList,
  ObjectReference,
} from '../../knative/kubernetes-event.ts';

/** A change that is reported once: the same one never gives a second record. */
export interface Transition {
  /** uid of the object. */
  readonly uid: string;
  /** What changed: a phase, a condition. One transition is remembered of each. */
  readonly what: string;
  /** What it changed to; differs for every change. */
  readonly to: string;
}

/** A record to be written. */
export type RecordInput = Pick<
  KubernetesEvent,
  'type' | 'reason' | 'action' | 'note' | 'regarding' | 'related'
>;

/** Which records are listed. */
export interface RecordQuery {
  readonly namespace?: string;
  /** About an object, or with a part of it. */
  readonly object?: Partial<Pick<ObjectReference, 'kind' | 'name' | 'uid'>>;
  readonly type?: KubernetesEvent['type'];
  readonly reason?: string;
  /** At most so many, from 1. Default 500. */
  readonly limit?: number;
  /** `metadata.continue` of the page before. */
  readonly continue?: string;
}

/** A record that is new, or that was seen again. */
export interface RecordChange {
  readonly type: 'ADDED' | 'MODIFIED';
  readonly object: KubernetesEvent;
}

/** Keeps what happened to objects: by age and by count, no longer. Implementations: SQLite; Kubernetes. */
export interface EventRecorder {
  /** The transition that was noted last of this object and matter; undefined when there was none. */
  noted(uid: string, what: string): Promise<string | undefined>;
  /**
   * Notes a transition, and writes its record if there is one, in one commit. A record with the words of one
   * that was seen in the last six minutes adds to that one's series.
   */
  note(transition: Transition, record?: RecordInput): Promise<void>;
  /** Forgets the transitions of a deleted object; its records stay until they are old. */
  forget(uid: string): Promise<void>;
  /**
   * Newest first by the last time that each was seen.
   * @throws CloverError CLV_ARGUMENT_INVALID for a bad `continue`.
   */
  list(query: RecordQuery): Promise<KubernetesEventList>;
  /**
   * The records that were written after a version, each as it is now and in the order of their last writing, until the
   * signal aborts or the recorder closes. The version of a list, or of any record, is a place to go on from. That a
   * record has grown too old is not told.
   * @throws CloverError at the call or at any step: CLV_RESOURCE_GONE when records that were written since are
   * forgotten, or that version is not reached yet: list again; CLV_ARGUMENT_INVALID when it is none.
   */
  watch(
    resourceVersion: string,
    options: { readonly signal: AbortSignal },
  ): AsyncIterable<RecordChange>;
  close(): Promise<void>;
}
