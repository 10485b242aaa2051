import { isRecord } from '../../functions/lib/plain-value.ts';
import type { Settings } from './settings.ts';

/** What databases that go with the pod mean, and what helps. */
export const volatileDatabases = {
  found:
    'databases are on no volume: with each upgrade or eviction go events that wait, dead letters, evidence and looks',
  fix: 'cloverctl upgrade --set controlPlane.persistent=true puts them on one, with controlPlane.storageClass where no class is the default',
} as const;

/** Whether the databases of an installation go with the pod. */
export function hasVolatileDatabases({ knative, controlPlane }: Settings): boolean {
  return knative !== true && isRecord(controlPlane) && controlPlane['persistent'] === false;
}
