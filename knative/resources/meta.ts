import { z } from 'zod';

/** API group and version of every Clover resource. */
export const apiVersion = 'clover.dev/v1alpha1';

/** A DNS-1123 label (RFC 1123 §2.1): names of objects, versions and runs. */
export const dnsLabel = z
  .string()
  .regex(
    /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
    'must be a DNS-1123 label, for example "proxy-v2"',
  );

/** A span of time as Go and Kubernetes write it: `250ms`, `30s`, `5m`, `1h`. */
export const durationText = z
  .string()
  .regex(/^(\d+)(ms|s|m|h)$/, 'must be a duration such as "250ms", "30s" or "5m"');

const labels = z.record(z.string(), z.string());

/** Metadata as a user may write it; the store owns every other field. */
export const metadataInput = z.strictObject({
  name: dnsLabel,
  namespace: dnsLabel.default('default'),
  labels: labels.optional(),
  annotations: labels.optional(),
});

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
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  /** CamelCase, one word, stable. */
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
  /** RFC 3339, UTC. */
  readonly lastTransitionTime: string;
}

/** Any stored object: spec is the wish, status is the fact. */
export interface Resource<Kind extends string, Spec, Status> {
  readonly apiVersion: typeof apiVersion;
  readonly kind: Kind;
  readonly metadata: ObjectMeta;
  readonly spec: Spec;
  readonly status: Status;
}
