import { z } from 'zod';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { collectionPath, type Place } from './collections.ts';
import { found404 } from './live-object.ts';

const container = z.object({
  name: z.string(),
  state: z
    .object({
      waiting: z
        .object({ reason: z.string().default(''), message: z.string().default('') })
        .exactOptional(),
    })
    .prefault({}),
  lastState: z
    .object({
      terminated: z.object({ exitCode: z.int(), reason: z.string().default('') }).exactOptional(),
    })
    .prefault({}),
  restartCount: z.int().default(0),
});
const pods = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      status: z
        .object({
          phase: z.string().default(''),
          containerStatuses: z.array(container).default([]),
          conditions: z
            .array(
              z.object({ type: z.string(), status: z.string(), message: z.string().default('') }),
            )
            .default([]),
        })
        .prefault({}),
    }),
  ),
});
const events = z.object({
  items: z.array(
    z.object({
      type: z.string().nullish(),
      reason: z.string().nullish(),
      message: z.string().nullish(),
      involvedObject: z.object({ kind: z.string().default(''), name: z.string().default('') }),
    }),
  ),
});
type Involved = z.output<typeof events>['items'][number]['involvedObject'];

const mostLines = 6;

/** Why an object is not ready, as its pods and their events say: each thing once, at most six of them. */
export async function troublesOf(client: KubeClient, place: Place): Promise<readonly string[]> {
  const { namespace, name } = place;
  if (namespace === undefined) return [];
  const of = (plural: string): string => collectionPath({ apiVersion: 'v1', plural, namespace });
  const labelSelector = `app.kubernetes.io/name=${name},app.kubernetes.io/instance=${namespace}`;
  const found = await found404(
    client.call({ method: 'GET', path: of('pods'), query: { labelSelector } }),
  );
  const { items } = pods.parse(found ?? { items: [] });
  const told = await found404(
    client.call({ method: 'GET', path: of('events'), query: { fieldSelector: 'type=Warning' } }),
  );
  const warnings = events
    .parse(told ?? { items: [] })
    .items.filter(({ involvedObject }) =>
      involvedObject.kind === 'Pod'
        ? items.some(({ metadata }) => metadata.name === involvedObject.name)
        : belongsTo(involvedObject, place),
    )
    .map(({ reason, message }) => `${reason ?? 'Warning'}: ${message ?? ''}`);
  const lines = [...items.flatMap((pod) => podTroubles(pod, namespace)), ...warnings.toReversed()];
  return [...new Set(lines)].slice(0, mostLines);
}

/** Of the object itself, and of what stands between it and its pods: names that begin with its own. */
function belongsTo(of: Involved, { apiVersion, kind, name }: Place): boolean {
  // Another kind may have the same name, as a SinkBinding that of its DaemonSet.
  if (apiVersion === 'apps/v1' && of.kind !== 'ReplicaSet') {
    return of.kind === kind && of.name === name;
  }
  return of.name === name || of.name.startsWith(`${name}-`);
}

function podTroubles(
  { metadata, status }: z.output<typeof pods>['items'][number],
  namespace: string,
): string[] {
  const unscheduled = status.conditions
    .filter(({ type, status: is }) => type === 'PodScheduled' && is === 'False')
    .map(({ message }) => `pod ${metadata.name}: ${message}`);
  const waiting = status.containerStatuses.flatMap(({ name, state, lastState, restartCount }) => {
    if (state.waiting === undefined) return [];
    const { reason, message } = state.waiting;
    const ended = lastState.terminated;
    const before =
      ended === undefined
        ? ''
        : ` (ended with ${ended.exitCode} ${ended.reason}, ${restartCount} times; see kubectl logs -n ${namespace} ${metadata.name} -c ${name} --previous)`;
    return [`pod ${metadata.name}, container ${name}: ${reason} ${message}${before}`.trim()];
  });
  return [...unscheduled, ...waiting];
}
