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
