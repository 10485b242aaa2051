import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { envoyProgram } from '../../../cloverctl/supervisor/programs.ts';
import type { Supervisor } from '../../../cloverctl/supervisor/processes.ts';
import { envoyArguments } from '../../../functions/mesh/envoy/bootstrap.ts';
import { createEnvoyAdmin } from '../../../functions/mesh/envoy/admin.ts';

/** A pod that has a proxy. */
export interface MeshPod {
  readonly name: string;
  readonly namespace: string;
  /** Where its proxy listens. */
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Options of {@link startSidecar}. */
export interface SidecarOptions {
  readonly supervisor: Supervisor;
  /** Folder for its files. */
  readonly folder: string;
  /** Where istiod takes it, in plain text. */
  readonly xds: { readonly address: string; readonly port: number };
  /** Network namespace that has the pod's address. */
  readonly network: string;
  readonly pod: MeshPod;
}

const readyWithinMs = 30_000;

/**
 * Starts an Envoy as the sidecar of a pod, configured by istiod; resolves when it has listeners of istiod's.
 * @throws Error with the end of its log when it has none in half a minute.
 */
export async function startSidecar(options: SidecarOptions): Promise<void> {
  const { supervisor, folder, network, pod } = options;
  const name = `envoy-${pod.name}`;
  const adminSocket = join(folder, `${pod.name}.sock`);
  const bootstrapFile = join(folder, `${pod.name}.json`);
  writeFileSync(bootstrapFile, JSON.stringify(bootstrapOf(options, adminSocket)));
  await supervisor.start({
    name,
    command: envoyProgram(),
    args: envoyArguments({ bootstrapFile, concurrency: 1 }),
    namespace: network,
  });
  const admin = createEnvoyAdmin({ socketPath: adminSocket });
  const until = Date.now() + readyWithinMs;
  while ((await admin.subscriptions())?.get('listener_manager.lds')?.version === undefined) {
    if (Date.now() > until) {
      throw new Error(
        `${name} has no listeners:\n${supervisor.tail(name)}\n${supervisor.tail('istiod')}`,
      );
    }
    await sleep(50);
  }
  admin.close();
}

function bootstrapOf({ xds, pod }: SidecarOptions, adminSocket: string): object {
  const { name, namespace, address, labels } = pod;
  const http2 = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  return {
    node: {
      id: `sidecar~${address}~${name}.${namespace}~${namespace}.svc.cluster.local`,
      cluster: `${name}.${namespace}`,
      metadata: {
        NAMESPACE: namespace,
        ISTIO_VERSION: '1.31.0',
        CLUSTER_ID: 'Kubernetes',
        INSTANCE_IPS: address,
        MESH_ID: 'cluster.local',
        LABELS: labels,
        // Its listeners are really bound: nothing has to redirect packets.
        INTERCEPTION_MODE: 'NONE',
      },
    },
    admin: { address: { pipe: { path: adminSocket, mode: 0o600 } } },
    dynamic_resources: {
      ads_config: {
        api_type: 'GRPC',
        transport_api_version: 'V3',
        set_node_on_first_message_only: true,
        grpc_services: [{ envoy_grpc: { cluster_name: 'istiod' } }],
      },
      cds_config: { ads: {}, initial_fetch_timeout: '0s', resource_api_version: 'V3' },
      lds_config: { ads: {}, initial_fetch_timeout: '0s', resource_api_version: 'V3' },
    },
    static_resources: {
      clusters: [
        {
          name: 'istiod',
          type: 'STATIC',
          connect_timeout: '1s',
          typed_extension_protocol_options: {
            [http2]: {
              '@type': `type.googleapis.com/${http2}`,
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
          load_assignment: {
            cluster_name: 'istiod',
            endpoints: [
              {
                lb_endpoints: [
                  {
                    endpoint: {
                      address: {
                        socket_address: { address: xds.address, port_value: xds.port },
                      },
                    },
                  },
                ],
              },
            ],
          },
        },
      ],
    },
  };
}
