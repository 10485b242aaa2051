import type { Resources } from './function-table.ts';
import type { Installation } from './installation.ts';

/** What a user may say of the place of pods. */
type Placement = Pick<Installation, 'tolerations' | 'priorityClass'>;

/** Taints that pods bear, and how they rank. */
export function schedulingOf({ tolerations, priorityClass }: Placement) {
  return {
    ...(tolerations.length > 0 && { tolerations: tolerations.map((each) => ({ ...each })) }),
    ...(priorityClass !== undefined && { priorityClassName: priorityClass }),
  };
}

/** As many pods on one node as on any other, as far as there is room. */
export function spreadOver(matchLabels: Record<string, string>) {
  return [
    {
      maxSkew: 1,
      topologyKey: 'kubernetes.io/hostname',
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: { matchLabels },
    },
  ];
}

/** What a container asks for, and what it gets at most. */
export function amountsOf({ requests, limits }: Resources) {
  return {
    ...(requests !== undefined && { requests: { ...requests } }),
    ...(limits !== undefined && { limits: { ...limits } }),
  };
}

/** Where a container answers the kubelet. */
interface Health {
  readonly port: number | string;
  readonly host?: string;
  readonly scheme?: string;
}

/**
 * How the kubelet asks a container how it is. Liveness counts once it has answered for the first time: who is killed while it starts begins
 * anew, and would never get further.
 * @param startSeconds what a start may take.
 */
export function probesOf(health: Health, startSeconds: number) {
  const at = (path: string) => ({ httpGet: { ...health, path } });
  return {
    startupProbe: {
      ...at('/health/live'),
      periodSeconds: 1,
      failureThreshold: startSeconds,
    },
    readinessProbe: { ...at('/health/ready'), periodSeconds: 2 },
    livenessProbe: { ...at('/health/live'), periodSeconds: 10 },
  };
}
