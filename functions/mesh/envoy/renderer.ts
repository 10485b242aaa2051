import type { RequestMatch, TextMatch } from '../../../knative/resources/traffic-policy.ts';
import { armHeader, formatArmStamp } from '../../lib/arm-stamp.ts';
import type { EnvoyResources, Json } from './resources.ts';
import type {
  ClusterForm,
  DestinationForm,
  FaultForm,
  ListenerForm,
  RouteForm,
  TrafficForm,
} from '../traffic-form.ts';
import { pathSource, xdsFile } from './xds-layout.ts';

const types = 'type.googleapis.com/envoy';
const faultFilter = 'envoy.filters.http.fault';
const faultType = `${types}.extensions.filters.http.fault.v3.HTTPFault`;

/** A limit that Envoy sets at 1,024 by default; Clover's policies do not have circuit breakers yet. */
const unlimited = 4_294_967_295;

/**
 * The form in Envoy's v3 API. Pure: equal forms give equal resources.
 *
 * @param xdsDir the folder that Envoy reads, as Envoy sees it.
 */
export function renderEnvoy(form: TrafficForm, xdsDir: string): EnvoyResources {
  return {
    clusters: form.clusters.map(renderCluster),
    listeners: form.listeners.map((listener) => renderListener(listener, xdsDir)),
    routes: Object.fromEntries(
      form.listeners.map((listener) => [String(listener.port), renderRoutes(listener)]),
    ),
  };
}

/** Name of a port's listener, of its route configuration, and prefix of its statistics. */
export function portName(port: number | string): string {
  return `port-${port}`;
}

function renderCluster({ name, endpoints }: ClusterForm): Json {
  return {
    '@type': `${types}.config.cluster.v3.Cluster`,
    name,
    type: 'STATIC',
    connect_timeout: '1s',
    // Shorter than the keep-alive of common servers (Node and Apache 5 s), or an idle connection that
    // the server just closes would fail a request.
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': `${types}.extensions.upstreams.http.v3.HttpProtocolOptions`,
        common_http_protocol_options: { idle_timeout: '4s' },
        explicit_http_config: { http_protocol_options: {} },
      },
    },
    circuit_breakers: {
      thresholds: [
        {
          max_connections: unlimited,
          max_pending_requests: unlimited,
          max_requests: unlimited,
        },
      ],
    },
    load_assignment: {
      cluster_name: name,
      endpoints: [
        {
          lb_endpoints: endpoints.map(({ address, port }) => ({
            endpoint: { address: { socket_address: { address, port_value: port } } },
          })),
        },
      ],
    },
  };
}

/** Depends on the port alone: a change of routes never drains a connection. */
function renderListener({ port }: ListenerForm, xdsDir: string): Json {
  const name = portName(port);
  return {
    '@type': `${types}.config.listener.v3.Listener`,
    name,
    address: { socket_address: { address: '0.0.0.0', port_value: port } },
    filter_chains: [
      {
        filters: [
          {
            name: 'envoy.filters.network.http_connection_manager',
            typed_config: {
              '@type': `${types}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
              stat_prefix: name,
              codec_type: 'HTTP1',
              use_remote_address: true,
              generate_request_id: true,
              preserve_external_request_id: true,
              rds: {
                route_config_name: name,
                config_source: pathSource(xdsDir, xdsFile.routes(port)),
              },
              http_filters: [
                { name: faultFilter, typed_config: { '@type': faultType } },
                {
                  name: 'envoy.filters.http.router',
                  typed_config: { '@type': `${types}.extensions.filters.http.router.v3.Router` },
                },
              ],
            },
          },
        ],
      },
    ],
  };
}

function renderRoutes({ port, hosts }: ListenerForm): Json {
  return {
    '@type': `${types}.config.route.v3.RouteConfiguration`,
    name: portName(port),
    ignore_port_in_host_matching: true,
    virtual_hosts: hosts.map(({ name, domain, routes }) => ({
      name,
      domains: [domain],
      routes: routes.flatMap(renderRoute),
    })),
  };
}

function renderRoute(route: RouteForm): Json[] {
  const action = renderAction(route);
  // Envoy has no "any of" in one match: a route for each, in order, is the same.
  const matches = route.matches.length === 0 ? [{}] : route.matches;
  return matches.map((match) =>
    Object.assign({ name: route.name, match: renderMatch(match) }, action),
  );
}

function renderAction({ destinations, timeoutMs }: RouteForm): Record<string, Json> {
  if (destinations.length === 0) return { direct_response: { status: 503 } };
  return {
    route: {
      // Envoy's default of 15 s is not in the policy; 0 turns it off.
      timeout: seconds(timeoutMs ?? 0),
      weighted_clusters: { clusters: destinations.map(renderDestination) },
    },
  };
}

function renderDestination({ cluster, weight, stamp, fault }: DestinationForm): Json {
  const header: Json = {
    header: { key: armHeader, value: formatArmStamp(stamp) },
    // A stamp that a client or a server made up is never believed.
    append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
  };
  return {
    name: cluster,
    weight,
    request_headers_to_add: [header],
    response_headers_to_add: [header],
    ...(fault && { typed_per_filter_config: { [faultFilter]: renderFault(fault) } }),
  };
}

function renderFault({ delay, abort }: FaultForm): Json {
  return {
    '@type': faultType,
    ...(delay && { delay: { fixed_delay: seconds(delay.ms), percentage: share(delay.percent) } }),
    ...(abort && { abort: { http_status: abort.status, percentage: share(abort.percent) } }),
  };
}

function renderMatch({ path, method, headers }: Partial<RequestMatch>): Json {
  const conditions: Json[] = (headers ?? []).map(({ name, value }) => ({
    name,
    string_match: renderText(value),
  }));
  if (method !== undefined) {
    conditions.unshift({ name: ':method', string_match: { exact: method } });
  }
  return { ...renderPath(path), ...(conditions.length > 0 && { headers: conditions }) };
}

function renderPath(path: TextMatch | undefined): Record<string, Json> {
  if (path?.exact !== undefined) return { path: path.exact };
  if (path?.regex !== undefined) return { safe_regex: { regex: path.regex } };
  return { prefix: path?.prefix ?? '/' };
}

function renderText(text: TextMatch): Record<string, Json> {
  if (text.exact !== undefined) return { exact: text.exact };
  if (text.prefix !== undefined) return { prefix: text.prefix };
  return { safe_regex: { regex: text.regex ?? '' } };
}

function seconds(ms: number): string {
  return `${ms / 1_000}s`;
}

function share(percent: number): Json {
  return { numerator: Math.round(percent * 10_000), denominator: 'MILLION' };
}
