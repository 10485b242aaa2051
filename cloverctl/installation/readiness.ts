import { z } from 'zod';
import type { KubernetesObject } from '../../knative/render/kubernetes-object.ts';
import type { LiveObject } from './live-object.ts';

const condition = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string().default(''),
  message: z.string().default(''),
});
const conditions = z
  .array(condition)
  .nullish()
  .transform((found) => found ?? []);

const generations = {
  generation: z.int().default(0),
};
const workload = z.object({
  metadata: z.object(generations),
  spec: z.object({ replicas: z.int().default(1) }),
  status: z
    .object({
      observedGeneration: z.int().default(0),
      replicas: z.int().default(0),
      updatedReplicas: z.int().default(0),
      availableReplicas: z.int().default(0),
    })
    .prefault({}),
});
const daemons = z.object({
  metadata: z.object(generations),
  status: z
    .object({
      observedGeneration: z.int().default(0),
      desiredNumberScheduled: z.int().default(0),
      updatedNumberScheduled: z.int().default(0),
      numberAvailable: z.int().default(0),
    })
    .prefault({}),
});
const conditioned = z.object({
  metadata: z.object(generations),
  status: z
    .object({ observedGeneration: z.int().exactOptional(), conditions })
    .prefault({ conditions: [] }),
});

/** Whether an object does what it is for. */
export interface Readiness {
  readonly ready: boolean;
  /** What is missing, such as `0 of 1 available`. */
  readonly text: string;
  /** It is ready, and perhaps not as it is meant to be. */
  readonly doubtful?: true;
}

const isReady: Readiness = { ready: true, text: 'ready' };
const notYet = (text: string): Readiness => ({ ready: false, text });

/** Whether there is something to wait for with such an object. */
export function canBeWaitedFor({
  apiVersion,
  kind,
}: Pick<KubernetesObject, 'apiVersion' | 'kind'>): boolean {
  return (
    ['CustomResourceDefinition', 'DaemonSet', 'Deployment'].includes(kind) ||
    apiVersion.includes('.knative.dev/')
  );
}

/** Reads the status of an object; of a change that its controller has not seen yet nothing is known. */
export function readinessOf(kind: string, object: LiveObject | undefined): Readiness {
  if (object === undefined) return notYet('is not there');
  if (kind === 'Deployment') return deploymentReadiness(object);
  if (kind === 'DaemonSet') return daemonReadiness(object);
  const type = kind === 'CustomResourceDefinition' ? 'Established' : 'Ready';
  const { metadata, status } = conditioned.parse(object);
  if ((status.observedGeneration ?? metadata.generation) < metadata.generation) {
    return notYet('was not looked at yet');
  }
  const found = status.conditions.find((one) => one.type === type);
  if (found?.status === 'True') return isReady;
  return notYet(found?.message || found?.reason || `${type} is not said yet`);
}

function deploymentReadiness(object: LiveObject): Readiness {
  const { metadata, spec, status } = workload.parse(object);
  if (status.observedGeneration < metadata.generation) return notYet('was not looked at yet');
  // Nothing is missing, and nothing runs: as while a backup is made.
  if (spec.replicas === 0) return notYet('scaled to 0');
  const { replicas, updatedReplicas, availableReplicas } = status;
  if (updatedReplicas < spec.replicas) {
    return notYet(`${updatedReplicas} of ${spec.replicas} updated`);
  }
  if (replicas > updatedReplicas) return notYet(`${replicas - updatedReplicas} old pods left`);
  if (availableReplicas < spec.replicas) {
    return notYet(`${availableReplicas} of ${spec.replicas} available`);
  }
  return isReady;
}

function daemonReadiness(object: LiveObject): Readiness {
  const { metadata, status } = daemons.parse(object);
  if (status.observedGeneration < metadata.generation) return notYet('was not looked at yet');
  const { desiredNumberScheduled: nodes, updatedNumberScheduled, numberAvailable } = status;
  if (updatedNumberScheduled < nodes)
    return notYet(`${updatedNumberScheduled} of ${nodes} updated`);
  if (numberAvailable < nodes) return notYet(`${numberAvailable} of ${nodes} available`);
  return nodes === 0 ? { ready: true, text: 'on no node', doubtful: true } : isReady;
}
