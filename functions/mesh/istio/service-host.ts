/** A Service of Kubernetes, as a policy's host names it. */
export interface ServiceHost {
  readonly service: string;
  readonly namespace: string;
  /** Its full name: Istio would read a short one in the namespace of the rule. */
  readonly host: string;
}

/** The end of full names of Services. */
export const defaultClusterDomain = 'cluster.local';

/**
 * The Service that a host means to who lives in a namespace: `proxy`, `proxy.shop`, `proxy.shop.svc` or
 * the full name. Undefined when it means none.
 */
export function serviceHost(
  host: string,
  namespace: string,
  clusterDomain: string = defaultClusterDomain,
): ServiceHost | undefined {
  const [service = '', space = namespace, svc = 'svc', ...rest] = host.split('.');
  const domain = rest.length === 0 ? clusterDomain : rest.join('.');
  const names = [service, space].every((name) => /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name));
  if (!names || svc !== 'svc' || domain !== clusterDomain) return undefined;
  return { service, namespace: space, host: `${service}.${space}.svc.${clusterDomain}` };
}
