import type { z } from 'zod';
import type { condition } from './meta-schemas.ts';
import type { Frozen } from './rule.ts';

/** API group and version of every Clover resource. */
export const apiVersion = 'clover.dev/v1alpha1';

/** Metadata as stored: Kubernetes names, meanings and formats. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  /** Opaque, changes with every write; the compare-and-swap token. */
  readonly resourceVersion: string;
  /** Counts changes of `spec` only, from 1. */
  readonly generation: number;
  /** RFC 3339, UTC. */
  readonly creationTimestamp: string;
  /** Set once deletion was asked for while finalizers remain. RFC 3339, UTC. */
  readonly deletionTimestamp?: string;
  readonly finalizers?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A condition by the Kubernetes API conventions. */
export type Condition = Frozen<z.output<typeof condition>>;

/** Any stored object: spec is the wish, status is the fact. */
export interface Resource<Kind extends string, Spec, Status> {
  readonly apiVersion: typeof apiVersion;
  readonly kind: Kind;
  readonly metadata: ObjectMeta;
  readonly spec: Spec;
  readonly status: Status;
}
