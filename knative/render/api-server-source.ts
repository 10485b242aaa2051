import type { IApiServerSource } from '@kubernetes-models/knative/sources.knative.dev/v1/ApiServerSource';
import { catalogue, type Trigger } from '../catalogue.ts';
import type { TriggerFilter } from '../filters.ts';
import { kinds, type Kind } from '../resources/kinds.ts';
import { apiVersion } from '../resources/meta.ts';
import { brokerReference } from './broker.ts';
import type { Installation } from './installation.ts';
import { namespaced, type Rendered } from './kubernetes-object.ts';

/** Name of the source, and of the account that it reads with. */
export const resourceEvents = 'resource-events';

/** Kinds whose changes some trigger asks for, in alphabetical order. */
export function announcedKinds(
  triggers: readonly Trigger[] = catalogue.flatMap((entry) => entry.triggers),
): Kind[] {
  const named = new Set(
    triggers.flatMap(({ filter, filters = [] }) =>
      filters.length > 0 ? filters.flatMap(kindsIn) : [filter['kind'] ?? ''],
    ),
  );
  return kinds.map(({ kind }) => kind).filter((kind) => named.has(kind));
}

function kindsIn({ exact, all = [], any = [] }: TriggerFilter): string[] {
  return [exact?.['kind'] ?? '', ...all.flatMap(kindsIn), ...any.flatMap(kindsIn)];
}

/**
 * Announces every change of our resources in every namespace. One source for all kinds: each source is a pod that never
 * rests. It sends the events of a kind one after the other, and does not try again when the broker refuses one; the ticks make that good.
 */
export function apiServerSource(installation: Installation): Rendered<IApiServerSource> {
  return {
    apiVersion: 'sources.knative.dev/v1',
    kind: 'ApiServerSource',
    metadata: namespaced(installation, 'event', resourceEvents),
    spec: {
      mode: 'Resource',
      serviceAccountName: resourceEvents,
      // An empty selector is one watch of the cluster; a narrower one would be a watch for each namespace.
      namespaceSelector: {},
      resources: announcedKinds().map((kind) => ({ apiVersion, kind })),
      sink: { ref: brokerReference('clover') },
    },
  };
}
