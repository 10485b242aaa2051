import type { RequestMatch, TextMatch } from '../../../knative/resources/traffic-policy.ts';
import { armHeader, formatArmStamp } from '../../lib/arm-stamp.ts';
import { faultFilter, faultType, renderFault, seconds } from './fault-filter.ts';
import type { EnvoyResources, Json } from './resources.ts';
import type {
  AnswerForm,
  GatewayCluster,
  GatewayDestination,
  GatewayForm,
  GatewayListener,
  GatewayRoute,
  HeadersForm,
} from './gateway-form.ts';
import { pathSource, xdsFile } from './xds-layout.ts';

const types = 'type.googleapis.com/envoy';

/** A limit that Envoy sets at 1,024 by default; Clover's policies do not have circuit breakers yet. */
const unlimited = 4_294_967_295;

/**
 * The form in Envoy's v3 API. Pure: equal forms give equal resources.
 *
 * @param xdsDir the folder that Envoy reads, as Envoy sees it.
 */
export function renderEnvoy(form: GatewayForm, xdsDir: string): EnvoyResources {
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

function renderCluster({ name, endpoints = [], dns, http2 }: GatewayCluster): Json {
  return {
    '@type': `${types}.config.cluster.v3.Cluster`,
    name,
    ...(dns === true
      ? { type: 'STRICT_DNS', dns_lookup_family: 'V4_PREFERRED' }
      : { type: 'STATIC' }),
    connect_timeout: '1s',
    // Shorter than the keep-alive of common servers (Node and Apache 5 s), or an idle connection that
    // the server just closes would fail a request.
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': `${types}.extensions.upstreams.http.v3.HttpProtocolOptions`,
        common_http_protocol_options: { idle_timeout: '4s' },
        explicit_http_config:
          http2 === true
            ? { http2_protocol_options: { allow_connect: true } }
            : { http_protocol_options: {} },
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

/** Depends on the port and its protocols alone: a change of routes never drains a connection. */
function renderListener({ port, http2 }: GatewayListener, xdsDir: string): Json {
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
              ...(http2 === true ? anyProtocol : { codec_type: 'HTTP1' }),
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

/** A WebSocket over HTTP/2 is an extended CONNECT: RFC 8441. */
const anyProtocol: Record<string, Json> = {
  codec_type: 'AUTO',
  http2_protocol_options: { allow_connect: true, max_concurrent_streams: 1_000 },
  upgrade_configs: [{ upgrade_type: 'websocket' }],
  // Envoy's default of 5 min would cut streams that are only quiet.
  stream_idle_timeout: '0s',
};

function renderRoutes({ port, hosts }: GatewayListener): Json {
  return {
    '@type': `${types}.config.route.v3.RouteConfiguration`,
    name: portName(port),
    ignore_port_in_host_matching: true,
    virtual_hosts: hosts.map(({ name, domain, aliases = [], routes }) => ({
      name,
      domains: [domain, ...aliases],
      routes: routes.flatMap(renderRoute),
    })),
  };
}

function renderRoute(route: GatewayRoute): Json[] {
  const action = renderAction(route);
  // Envoy has no "any of" in one match: a route for each, in order, is the same.
  const matches = route.matches.length === 0 ? [{}] : route.matches;
  return matches.map((match) =>
    Object.assign({ name: route.name, match: renderMatch(match) }, action),
  );
}

function renderAction(route: GatewayRoute): Record<string, Json> {
  const { destinations, timeoutMs, answer, rewriteHost, requestHeaders } = route;
  if (answer !== undefined) return renderAnswer(answer);
  if (destinations.length === 0) return { direct_response: { status: 503 } };
  return {
    route: {
      // Envoy's default of 15 s is not in the policy; 0 turns it off.
      timeout: seconds(timeoutMs ?? 0),
      weighted_clusters: { clusters: destinations.map(renderDestination) },
      ...(rewriteHost !== undefined && { host_rewrite_literal: rewriteHost }),
    },
    ...(requestHeaders && { request_headers_to_add: renderHeaders(requestHeaders) }),
  };
}

function renderAnswer(answer: AnswerForm): Record<string, Json> {
  if ('redirect' in answer) return { redirect: { https_redirect: true } };
  return {
    direct_response: { status: answer.status },
    response_headers_to_add: renderHeaders(answer.headers),
  };
}

function renderDestination(destination: GatewayDestination): Json {
  const { cluster, weight, stamp, fault, requestHeaders } = destination;
  const stamps = stamp === undefined ? {} : { [armHeader]: formatArmStamp(stamp) };
  const request = renderHeaders({ ...requestHeaders, ...stamps });
  const response = renderHeaders(stamps);
  return {
    name: cluster,
    weight,
    ...(request.length > 0 && { request_headers_to_add: request }),
    ...(response.length > 0 && { response_headers_to_add: response }),
    ...(fault && { typed_per_filter_config: { [faultFilter]: renderFault(fault) } }),
  };
}

/** What a client or a server sent under the same name, such as a stamp that it made up, is never believed. */
function renderHeaders(headers: HeadersForm): Json[] {
  return Object.entries(headers).map(([key, value]) => ({
    // A percent sign begins a variable of Envoy.
    header: { key, value: value.replaceAll('%', '%%') },
    append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
  }));
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
