import { eventsApiVersion } from '../../../knative/kubernetes-event.ts';
import { kinds } from '../../../knative/resources/kinds.ts';
import { apiVersion } from '../../../knative/resources/meta.ts';
import { discovery } from '../operations/discovery.ts';
import { json } from '../reply.ts';
import { route, type Route } from '../route.ts';

/** What the routes of the discovery need. */
export interface DiscoveryRoutes {
  /** The OpenAPI document. */
  readonly openApi: () => Promise<unknown>;
  /** Whether there are event records. */
  readonly records: boolean;
}

/** What there is: for people, for programs, and for Kubernetes' tools. */
export function discoveryRoutes({ openApi, records }: DiscoveryRoutes): readonly Route[] {
  const own = groupOf(apiVersion);
  const events = groupOf(eventsApiVersion);
  const groups = records ? [own, events] : [own];
  return [
    route(discovery.openapi, async () => json(await openApi())),
    route(discovery.groups, async () => json({ kind: 'APIGroupList', apiVersion: 'v1', groups })),
    route(discovery.group, async () => json({ kind: 'APIGroup', apiVersion: 'v1', ...own })),
    route(discovery.resources, async () => resourceList(apiVersion, ownResources)),
    ...(records
      ? [
          route(discovery.recordGroup, async () =>
            json({ kind: 'APIGroup', apiVersion: 'v1', ...events }),
          ),
          route(discovery.records, async () => resourceList(eventsApiVersion, [recordResource])),
        ]
      : []),
  ];
}

function groupOf(groupVersion: string): object {
  const [name = '', version = ''] = groupVersion.split('/');
  const only = { groupVersion, version };
  return { name, versions: [only], preferredVersion: only };
}

const resourceList = (groupVersion: string, resources: readonly object[]) =>
  json({ kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources });

const reading = ['get', 'list', 'watch'];
const writing = ['delete', 'update'];

const ownResources = kinds.map(({ kind, plural, singular, shortNames, writable }) => ({
  name: plural,
  singularName: singular,
  namespaced: true,
  kind,
  verbs: writable ? [...reading, ...writing].sort() : reading,
  shortNames,
}));

const recordResource = {
  name: 'events',
  singularName: 'event',
  namespaced: true,
  kind: 'Event',
  verbs: ['list', 'watch'],
  shortNames: ['ev'],
};
