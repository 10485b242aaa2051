import { z } from 'zod';
import { CloverError } from '../../lib/errors.ts';
import type { KubeClient } from '../../resources/kubernetes/client.ts';
import type { PolicyInPlace } from './in-place.ts';
import { isOwn, pagesOf } from './live-objects.ts';
import {
  destinationRule,
  envoyFilter,
  virtualService,
  type IstioKind,
  type IstioObject,
  type PolicyObjects,
} from './objects.ts';
import { serviceHost } from './service-host.ts';

const foreignObject = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    labels: z.record(z.string(), z.string()).default({}),
  }),
  spec: z.looseObject({}).catch({}),
});
type ForeignObject = z.output<typeof foreignObject>;

const routes = z.object({
  hosts: z.array(z.string()).catch([]),
  gateways: z.array(z.string()).catch(['mesh']),
});
const versions = z.object({
  host: z.string().catch(''),
  subsets: z.array(z.object({ name: z.string().catch('') })).catch([]),
});

/** What is rendered, by the policy's key. */
export type WantedObjects = ReadonlyMap<string, PolicyObjects>;

/**
 * Policies that cannot be put in place, by their keys: an object that Clover did not make has the name of one of the policy's, routes
 * for its host inside the mesh (of two Istio takes any), or one of its versions' names.
 *
 * No selector finds those, so that all objects of a cluster are looked at, page by page; none is kept.
 * @returns a CLV_POLICY_FOREIGN_OWNER for each that names the object.
 */
export async function findForeign(
  client: KubeClient,
  wanted: WantedObjects,
  clusterDomain?: string,
): Promise<ReadonlyMap<string, CloverError>> {
  const found = new Map<string, CloverError>();
  const refusal = refusalsOf(wanted, clusterDomain);
  for (const kind of [virtualService, destinationRule, envoyFilter]) {
    for await (const page of pagesOf(client, kind)) {
      for (const item of page) {
        const object = foreignObject.parse(item);
        if (isOwn(object.metadata.labels)) continue;
        for (const [key, why] of refusal(kind, object)) {
          if (!found.has(key)) found.set(key, why);
        }
      }
    }
  }
  return found;
}

/**
 * Whether a policy wants a name, a host or a version that it does not have yet. One that has them all only changes its weights or faults,
 * and nobody else's objects matter before the next resync.
 */
export function claimsMore(
  { routes: ownRoutes, versions: ownVersions, faults }: PolicyInPlace,
  wanted: PolicyObjects,
): boolean {
  const present = [ownRoutes, ownVersions, ...faults].filter((object) => object !== undefined);
  const had = new Set(present.flatMap(claimsOf));
  return [wanted.virtualService, wanted.destinationRule, ...wanted.faults]
    .flatMap(claimsOf)
    .some((claim) => !had.has(claim));
}

function claimsOf({ kind, name, spec }: IstioObject): string[] {
  return [
    `${kind.kind} ${name}`,
    ...routes.parse(spec).hosts.map((host) => `host ${host}`),
    ...versions.parse(spec).subsets.map((subset) => `subset ${subset.name}`),
  ];
}

/** What an object is in the way of, looked up by names and hosts. */
function refusalsOf(
  wanted: WantedObjects,
  clusterDomain: string | undefined,
): (kind: IstioKind, object: ForeignObject) => (readonly [key: string, why: CloverError])[] {
  const names = new Map<string, string>();
  const hosts = new Map<string, { readonly key: string; readonly subsets: ReadonlySet<string> }>();
  for (const [key, objects] of wanted) {
    const { virtualService: ownRoutes, destinationRule: ownVersions, faults } = objects;
    for (const own of [ownRoutes, ownVersions, ...faults]) names.set(nameOf(own.kind, own), key);
    const subsets = new Set(versions.parse(ownVersions.spec).subsets.map(({ name }) => name));
    for (const host of routes.parse(ownRoutes.spec).hosts) hosts.set(host, { key, subsets });
  }
  return (kind, { metadata, spec }) => {
    const told = nameOf(kind, metadata);
    const refused = (key: string, why: string) => {
      const message = `the ${told} ${why}: Clover does not touch it`;
      return [key, new CloverError('CLV_POLICY_FOREIGN_OWNER', message)] as const;
    };
    const ownerOf = (host: string) =>
      hosts.get(serviceHost(host, metadata.namespace, clusterDomain)?.host ?? host);
    const sameName = names.get(told);
    const refusals =
      sameName === undefined ? [] : [refused(sameName, 'was not made by Clover, and has the name')];
    if (kind === virtualService) {
      const { hosts: routed, gateways } = routes.parse(spec);
      for (const host of gateways.includes('mesh') ? routed : []) {
        const owner = ownerOf(host);
        if (owner !== undefined)
          refusals.push(refused(owner.key, `has routes for the host "${host}"`));
      }
    }
    if (kind === destinationRule) {
      const { host, subsets } = versions.parse(spec);
      const owner = ownerOf(host);
      const taken = subsets.find(({ name }) => owner?.subsets.has(name));
      if (owner !== undefined && taken !== undefined) {
        refusals.push(refused(owner.key, `has a subset "${taken.name}" of the host "${host}"`));
      }
    }
    return refusals;
  };
}

function nameOf(
  { kind }: IstioKind,
  { namespace, name }: Pick<IstioObject, 'name' | 'namespace'>,
): string {
  return `${kind} ${namespace}/${name}`;
}
