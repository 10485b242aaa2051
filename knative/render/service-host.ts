import type { Installation } from './installation.ts';

/** Full name of a Service of the installation. */
export function serviceHost(
  { clusterDomain, namespace }: Pick<Installation, 'clusterDomain' | 'namespace'>,
  name: string,
): string {
  return `${name}.${namespace}.svc.${clusterDomain}`;
}
