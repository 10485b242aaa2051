import { eventGuard } from '../host/event-guard.ts';
import { functionLog } from '../host/function-log.ts';
import { clusterClient } from '../host/function-settings.ts';
import { onKnative } from '../host/own-ticks.ts';
import { runFunction } from '../host/run-function.ts';
import { startOrExit } from '../host/start-or-exit.ts';
import { systemClock } from '../lib/clock.ts';
import { createIstioTarget } from '../mesh/istio/istio-target.ts';
import { createNoMeshTarget } from '../mesh/no-mesh-target.ts';
import { connect } from '../resources/kubernetes/client.ts';
import { createKubernetesStore } from '../resources/kubernetes/kubernetes-store.ts';
import { createPolicy } from './function.ts';

/**
 * `policy` as a process of its own. With `MESH=istio` it programs the cluster's Istio, else nothing: it has no right to. `CLUSTER_DOMAIN` is the
 * end of full names of Services: `cluster.local`.
 */
async function main(): Promise<void> {
  const log = functionLog('policy');
  const clock = systemClock;
  const client = clusterClient();
  const resources = createKubernetesStore(client);
  const { CLUSTER_DOMAIN: clusterDomain, MESH: mesh } = process.env;
  const target =
    mesh === 'istio'
      ? createIstioTarget({
          client,
          clock,
          ...(clusterDomain === undefined ? {} : { clusterDomain }),
        })
      : createNoMeshTarget(
          'nobody programs traffic: the installation does without Istio; cloverctl upgrade --set controlPlane.istio=true changes that',
        );
  const policy = onKnative(createPolicy({ resources, target, clock }), client);
  await runFunction(
    { ...policy, close: () => resources.close() },
    { log, admitSender: eventGuard(client, 'policy'), warmUp: () => connect(client) },
  );
}

startOrExit(main);
