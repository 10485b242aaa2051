import { z } from 'zod';
import type { PortHint } from '../../native/capture/trace-settings.ts';
import { protocolOf } from './port-names.ts';

/** What is kept of a Service: which port of which pods is said to speak what. */
export interface KubeService {
  readonly namespace: string;
  readonly selector: Readonly<Record<string, string>>;
  readonly ports: readonly ServicePort[];
}

/** A port of TCP whose protocol is said. */
export interface ServicePort {
  /** Of the pod: a number, or the name that a container has for it. */
  readonly target: number | string;
  readonly protocol: PortHint['protocol'];
  /** By `appProtocol`, and not by the port's name. */
  readonly declared: boolean;
}

const serviceObject = z.object({
  metadata: z.object({ namespace: z.string() }),
  spec: z.object({
    selector: z.record(z.string(), z.string()).default({}),
    ports: z
      .array(
        z.object({
          name: z.string().default(''),
          appProtocol: z.string().optional(),
          protocol: z.string().default('TCP'),
          port: z.int(),
          targetPort: z.union([z.int(), z.string()]).optional(),
        }),
      )
      .default([]),
  }),
});

/**
 * What the agent keeps of a Service's object; undefined where it says nothing of any pod.
 * @throws z.ZodError when it is no Service.
 */
export function readService(object: unknown): KubeService | undefined {
  const { metadata, spec } = serviceObject.parse(object);
  const { selector } = spec;
  const ports = spec.ports.flatMap(({ name, appProtocol, protocol, port, targetPort = port }) => {
    const declared = appProtocol !== undefined;
    const spoken = protocol === 'TCP' ? protocolOf(appProtocol ?? name) : undefined;
    return spoken === undefined ? [] : [{ target: targetPort, protocol: spoken, declared }];
  });
  if (ports.length === 0 || Object.keys(selector).length === 0) return undefined;
  return { namespace: metadata.namespace, selector, ports };
}
