import type { EnvoyResources, Json } from './resources.ts';
import { pathSource, xdsFile } from './xds-layout.ts';

/** What one Envoy has to know. */
export interface EnvoyBootstrapOptions {
  /** Stands in Envoy's logs and dumps. */
  readonly nodeId: string;
  /** The folder of `createFileXdsGateway`; its files must exist before Envoy starts. */
  readonly xdsDir: string;
  /** Path of the admin interface's Unix socket, at most 107 bytes. */
  readonly adminSocket: string;
  /** Connections from clients, above which new ones are closed. @default 50,000 */
  readonly maxConnections?: number;
}

/** Envoy's limit of a regular expression is 100 instructions; admission has one of its own. */
const runtime: Json = {
  layers: [{ name: 'clover', static_layer: { 're2.max_program_size.error_level': 1_000_000 } }],
};

/** The bootstrap file, as a value: write it as JSON. Everything else comes from the xDS folder. */
export function envoyBootstrap(options: EnvoyBootstrapOptions): Json {
  const monitor = 'envoy.resource_monitors.global_downstream_max_connections';
  return {
    node: { id: options.nodeId, cluster: 'clover' },
    // 0600: whoever reaches the admin interface can stop the gateway.
    admin: { address: { pipe: { path: options.adminSocket, mode: 0o600 } } },
    dynamic_resources: {
      cds_config: pathSource(options.xdsDir, xdsFile.clusters),
      lds_config: pathSource(options.xdsDir, xdsFile.listeners),
    },
    layered_runtime: runtime,
    overload_manager: {
      resource_monitors: [
        {
          name: monitor,
          typed_config: {
            '@type':
              'type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig',
            max_active_downstream_connections: options.maxConnections ?? 50_000,
          },
        },
      ],
    },
  };
}

/** A bootstrap with the resources in it, each routes part on a listener of its own, for `--mode validate`. */
export function staticBootstrap(resources: EnvoyResources): Json {
  return {
    // Listeners subscribe to their routes, and only a named node may.
    node: { id: 'validate', cluster: 'clover' },
    layered_runtime: runtime,
    static_resources: {
      clusters: resources.clusters.map(withoutType),
      listeners: [
        ...resources.listeners.map(withoutType),
        ...Object.entries(resources.routes).map(([port, routes]) =>
          validationListener(port, withoutType(routes)),
        ),
      ],
    },
  };
}

/** The arguments of an Envoy with that bootstrap file. */
export function envoyArguments(options: {
  readonly bootstrapFile: string;
  /** Worker threads, from 1. */
  readonly concurrency: number;
}): string[] {
  return [
    '--config-path',
    options.bootstrapFile,
    '--concurrency',
    String(options.concurrency),
    // Its shared memory would stay behind as a file, even after SIGTERM.
    '--disable-hot-restart',
    // How long a removed listener finishes its connections; the default is 600.
    '--drain-time-s',
    '10',
    '--log-level',
    'warning',
  ];
}

/** In a field with a type of its own, the type that an `Any` carries is an unknown field. */
function withoutType(resource: Json): Json {
  if (typeof resource !== 'object' || resource === null || Array.isArray(resource)) return resource;
  const { '@type': _type, ...message } = resource;
  return message;
}

function validationListener(port: string, routes: Json): Json {
  return {
    name: port,
    address: { socket_address: { address: '127.0.0.1', port_value: Number(port) } },
    filter_chains: [
      {
        filters: [
          {
            name: 'envoy.filters.network.http_connection_manager',
            typed_config: {
              '@type':
                'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
              stat_prefix: port,
              route_config: routes,
              http_filters: [
                {
                  name: 'envoy.filters.http.router',
                  typed_config: {
                    '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router',
                  },
                },
              ],
            },
          },
        ],
      },
    ],
  };
}
