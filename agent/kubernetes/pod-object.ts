import { z } from 'zod';
import type { Pod } from '../pod-directory.ts';

/** A pod as the API server knows it. */
export interface KubePod extends Pod {
  /** It has no network of its own. */
  readonly hostNetwork: boolean;
  /** By which the kubelet names its cgroups. */
  readonly cgroupUid: string;
}

const labels = z.record(z.string(), z.string()).default({});

const podObject = z.object({
  metadata: z.object({
    uid: z.string(),
    namespace: z.string(),
    name: z.string(),
    labels,
    annotations: labels,
  }),
  spec: z.object({ hostNetwork: z.boolean().default(false) }),
  status: z.object({ phase: z.string().default('') }).default({ phase: '' }),
});

/**
 * What the agent keeps of a pod's object; undefined for one that has ended. The object of a static pod is only its mirror: the
 * kubelet itself knows it by another uid, which stands in an annotation.
 * @throws z.ZodError when it is no pod.
 */
export function readPod(object: unknown): KubePod | undefined {
  const { metadata, spec, status } = podObject.parse(object);
  if (status.phase === 'Succeeded' || status.phase === 'Failed') return undefined;
  const { uid, namespace, name, annotations } = metadata;
  return {
    uid,
    namespace,
    name,
    labels: metadata.labels,
    hostNetwork: spec.hostNetwork,
    cgroupUid: annotations['kubernetes.io/config.hash'] ?? uid,
  };
}
