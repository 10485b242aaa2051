import { z } from 'zod';
import { CloverError } from '../../lib/errors.ts';
import type { KubeClient } from '../../resources/kubernetes/client.ts';

const service = z.object({
  spec: z.object({ ports: z.array(z.object({ port: z.int() })).default([]) }),
});

/**
 * Why requests cannot be for a port of a Service; undefined when they can. Istio takes routes for a Service that does not
 * exist, and sends their requests nowhere.
 */
export async function serviceProblem(
  client: KubeClient,
  { namespace, service: name, port }: ServicePort,
): Promise<string | undefined> {
  try {
    const path = `/api/v1/namespaces/${namespace}/services/${name}`;
    const { ports } = service.parse(await client.call({ method: 'GET', path })).spec;
    if (ports.some((each) => each.port === port)) return undefined;
    const known = ports.map((each) => each.port).join(', ');
    return `spec.target.port: the Service ${namespace}/${name} has no port ${port}, but ${known || 'none'}`;
  } catch (error) {
    if (!(error instanceof CloverError) || error.code !== 'CLV_NOT_FOUND') throw error;
    return `spec.target.host: there is no Service ${namespace}/${name}`;
  }
}

/** A port of a Service. */
export interface ServicePort {
  readonly namespace: string;
  readonly service: string;
  readonly port: number;
}
