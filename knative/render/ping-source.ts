import type { IPingSource } from '@kubernetes-models/knative/sources.knative.dev/v1/PingSource';
import type { Schedule } from '../catalogue.ts';
import { destinationOf } from './destination.ts';
import type { DeployedFunction } from './function-table.ts';
import type { Installation } from './installation.ts';
import { namespaced, type Rendered } from './kubernetes-object.ts';

/**
 * A PingSource for a function: a tick goes straight to it, past the broker, as the next one makes good for a lost one.
 * The function reads the schedule's name from the source of the event, which is this object's.
 */
export function pingSource(
  installation: Pick<Installation, 'namespace' | 'version'>,
  owner: string,
  { name, schedule, timezone = 'UTC' }: Schedule,
): Rendered<IPingSource> {
  return {
    apiVersion: 'sources.knative.dev/v1',
    kind: 'PingSource',
    metadata: namespaced(installation, 'event', name, owner),
    spec: { schedule, timezone, sink: destinationOf(installation, owner) },
  };
}

/** The PingSources of a function that are always there, as often as the installation says: each tick makes a pod that stays for half a minute. */
export function pingSources(
  installation: Installation,
  { entry }: DeployedFunction,
): Rendered<IPingSource>[] {
  return entry.schedules
    .filter(({ name }) => installation.schedules.includes(name))
    .map((resync) => {
      const schedule = `*/${installation.resyncMinutes} * * * *`;
      return pingSource(installation, entry.name, { ...resync, schedule });
    });
}
