import { kinds } from '../../../knative/resources/kinds.ts';
import { apiVersion } from '../../../knative/resources/meta.ts';
import { discovery } from '../operations/discovery.ts';
import { json } from '../reply.ts';
import { route, type Route } from '../route.ts';

const [groupName = '', version = ''] = apiVersion.split('/');
const groupVersion = { groupVersion: apiVersion, version };
const group = { name: groupName, versions: [groupVersion], preferredVersion: groupVersion };

const reading = ['get', 'list', 'watch'];
const writing = ['delete', 'update'];

/** What there is: for people, for programs, and for Kubernetes' tools. */
export function discoveryRoutes(openApi: () => Promise<unknown>): readonly Route[] {
  return [
    route(discovery.openapi, async () => json(await openApi())),
    route(discovery.groups, async () =>
      json({ kind: 'APIGroupList', apiVersion: 'v1', groups: [group] }),
    ),
    route(discovery.group, async () => json({ kind: 'APIGroup', apiVersion: 'v1', ...group })),
    route(discovery.resources, async () =>
      json({
        kind: 'APIResourceList',
        apiVersion: 'v1',
        groupVersion: apiVersion,
        resources: kinds.map(({ kind, plural, singular, shortNames, writable }) => ({
          name: plural,
          singularName: singular,
          namespaced: true,
          kind,
          verbs: writable ? [...reading, ...writing].sort() : reading,
          shortNames,
        })),
      }),
    ),
  ];
}
