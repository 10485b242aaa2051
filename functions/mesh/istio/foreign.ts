import { z } from 'zod';
import { CloverError } from '../../lib/errors.ts';
import type { LiveObject } from './live-objects.ts';
import type { IstioObject, PolicyObjects } from './objects.ts';
import { serviceHost } from './service-host.ts';

const routes = z.object({
  hosts: z.array(z.string()).catch([]),
  gateways: z.array(z.string()).catch(['mesh']),
});
const versions = z.object({
  host: z.string().catch(''),
  subsets: z.array(z.object({ name: z.string().catch('') })).catch([]),
});

/**
 * Refuses to go on where an object that Clover did not make has the name of one of the policy's, routes for its host inside
 * the mesh (of two Istio takes any), or one of its versions' names.
 * @throws CloverError CLV_POLICY_FOREIGN_OWNER that names the object.
 */
export function refuseForeign(
  wanted: PolicyObjects,
  live: readonly LiveObject[],
  clusterDomain?: string,
): void {
  const foreign = live.filter(({ policy }) => policy === undefined);
  for (const { kind, namespace, name } of [
    wanted.virtualService,
    wanted.destinationRule,
    ...wanted.faults,
  ]) {
    const taken = foreign.find(
      (other) =>
        other.kind.kind === kind.kind && other.namespace === namespace && other.name === name,
    );
    if (taken !== undefined) throw refusal(taken, 'was not made by Clover, and has the name');
  }
  const hosts = z.array(z.string()).parse(wanted.virtualService.spec['hosts']);
  const own = versions.parse(wanted.destinationRule.spec);
  for (const other of foreign) {
    const isOwnHost = (host: string): boolean =>
      hosts.includes(serviceHost(host, other.namespace, clusterDomain)?.host ?? host);
    if (other.kind.kind === 'VirtualService') {
      const found = routes.parse(other.spec);
      const host = found.gateways.includes('mesh') ? found.hosts.find(isOwnHost) : undefined;
      if (host !== undefined) throw refusal(other, `has routes for the host "${host}"`);
    }
    if (other.kind.kind === 'DestinationRule') {
      const found = versions.parse(other.spec);
      const names = new Set(own.subsets.map(({ name }) => name));
      const taken = found.subsets.find(({ name }) => names.has(name));
      if (isOwnHost(found.host) && taken !== undefined) {
        throw refusal(other, `has a subset "${taken.name}" of the host "${found.host}"`);
      }
    }
  }
}

function refusal({ kind, namespace, name }: Omit<IstioObject, 'spec'>, why: string): CloverError {
  const message = `the ${kind.kind} ${namespace}/${name} ${why}: Clover does not touch it`;
  return new CloverError('CLV_POLICY_FOREIGN_OWNER', message);
}
