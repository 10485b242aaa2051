import type { ErrorDetail } from '../lib/errors.ts';
import type {
  GatewayCluster,
  GatewayForm,
  GatewayHost,
  GatewayListener,
} from '../mesh/envoy/gateway-form.ts';
import { backendOf, type Lack, type ServiceDirectory } from './backend.ts';
import { keyOf, type Ingress, type IngressPath } from './ingress-object.ts';
import { problemsOf } from './problems.ts';
import { health, healthHost, probeRoute, redirect, routeOf, splitsOf } from './routes.ts';
import { specHash } from './spec-hash.ts';

/** The two ports of Envoy. */
export interface IngressPorts {
  /** For rules with the visibility ExternalIP. */
  readonly external: number;
  /** For rules with the visibility ClusterLocal. */
  readonly internal: number;
}

/** What became of one Ingress. */
export interface Outcome {
  readonly ingress: Ingress;
  /** `<namespace>/<name>`. */
  readonly key: string;
  /** What a data plane that has this wish answers a probe with. */
  readonly hash: string;
  /** One host name of each rendered rule, and the port that has it. */
  readonly probes: readonly ProbePlace[];
  /** Why nothing of it is rendered. */
  readonly problems: readonly ErrorDetail[];
  /** Of backends that nobody answers for, each once. */
  readonly lacks: readonly Lack[];
}

/** Where a probe has to be answered. */
export interface ProbePlace {
  readonly port: number;
  readonly host: string;
}

/** All Ingresses as one Envoy is to have them. */
export interface Translation {
  readonly form: GatewayForm;
  /** In the order of age. */
  readonly outcomes: readonly Outcome[];
}

/**
 * The wishes as a form for Envoy. Pure. A host name belongs to the oldest Ingress that has it on its port; of a younger one
 * nothing is rendered.
 */
export function translate(
  ingresses: readonly Ingress[],
  directory: ServiceDirectory,
  ports: IngressPorts,
): Translation {
  const owners = new Map<string, string>();
  const outcomes = [...ingresses].sort(byAge).map((ingress): Drawn => {
    const places = placesOf(ingress, ports);
    const problems = [...problemsOf(ingress), ...conflictsOf(places, owners)];
    if (problems.length > 0) return drawn(ingress, [], problems);
    for (const { port, domains } of places) {
      for (const domain of domains) owners.set(`${port} ${domain}`, keyOf(ingress.metadata));
    }
    return drawn(ingress, places, []);
  });
  const clusters = new Map<string, GatewayCluster>();
  for (const { ingress, places, lacks } of outcomes) {
    for (const path of places.flatMap((place) => pathsOf(place, ingress, ports))) {
      for (const { cluster, lack } of splitsOf(path).map((one) => backendOf(one, directory))) {
        clusters.set(cluster.name, cluster);
        if (lack !== undefined && !lacks.some(({ message }) => message === lack.message))
          lacks.push(lack);
      }
    }
  }
  const listener = (port: number): GatewayListener => ({
    port,
    http2: true,
    hosts: [health, ...outcomes.flatMap((outcome) => hostsOf(outcome, port, ports))].sort(byName),
  });
  const numbers = [ports.external, ports.internal].sort((a, b) => a - b);
  return {
    form: {
      listeners: numbers.map(listener),
      clusters: [...clusters.values()].sort(byName),
    },
    outcomes,
  };
}

/** A rule on its port. */
interface Place {
  readonly port: number;
  /** That no rule before it has on the same port: the first rule with a host has it. At least one. */
  readonly domains: readonly string[];
  /** The longest first; of those with one length the first decides. */
  readonly paths: readonly IngressPath[];
  readonly at: string;
}

interface Drawn extends Outcome {
  readonly places: readonly Place[];
  readonly lacks: Lack[];
}

function drawn(
  ingress: Ingress,
  places: readonly Place[],
  problems: readonly ErrorDetail[],
): Drawn {
  const probes = places.map(({ port, domains: [host = ''] }) => ({ port, host }));
  const { metadata } = ingress;
  return {
    ingress,
    key: keyOf(metadata),
    hash: specHash(ingress),
    places,
    probes,
    problems,
    lacks: [],
  };
}

function placesOf({ spec: { rules = [] } }: Ingress, ports: IngressPorts): Place[] {
  const seen = new Set<string>();
  return rules.flatMap(({ hosts = [], visibility, http }, index) => {
    const port = visibility === 'ClusterLocal' ? ports.internal : ports.external;
    const domains = [...new Set(hosts)].filter((host) => !seen.has(`${port} ${host}`)).sort();
    for (const domain of domains) seen.add(`${port} ${domain}`);
    const paths = [...(http?.paths ?? [])].sort((a, b) => b.path.length - a.path.length);
    return domains.length === 0 ? [] : [{ port, domains, paths, at: `spec.rules[${index}]` }];
  });
}

function conflictsOf(places: readonly Place[], owners: ReadonlyMap<string, string>): ErrorDetail[] {
  return places.flatMap(({ port, domains, at }) =>
    domains.flatMap((domain) => {
      const field = `${at}.hosts`;
      if (domain === healthHost) return [{ field, message: `${domain} is this network layer's` }];
      const owner = owners.get(`${port} ${domain}`);
      if (owner === undefined) return [];
      return [{ field, message: `${domain} belongs to the older Ingress ${owner}` }];
    }),
  );
}

/** None where all is sent to https. */
function pathsOf(
  { port, paths }: Place,
  { spec: { httpOption } }: Ingress,
  { external }: IngressPorts,
): readonly IngressPath[] {
  return port === external && httpOption === 'Redirected' ? [] : paths;
}

function hostsOf(
  { places, ingress, key, hash }: Drawn,
  port: number,
  ports: IngressPorts,
): GatewayHost[] {
  return places
    .filter((place) => place.port === port)
    .map((place) => {
      const [domain = '', ...aliases] = place.domains;
      const paths = pathsOf(place, ingress, ports);
      const routes = paths.length === 0 ? [redirect] : paths.map(routeOf);
      const host = { name: `${key}/${place.at}`, domain, routes: [probeRoute(hash), ...routes] };
      return aliases.length === 0 ? host : Object.assign(host, { aliases });
    });
}

function byAge({ metadata: a }: Ingress, { metadata: b }: Ingress): number {
  const [left, right] = [a, b].map((each) => `${each.creationTimestamp} ${keyOf(each)}`);
  return (left ?? '') < (right ?? '') ? -1 : 1;
}

function byName(left: { readonly name: string }, right: { readonly name: string }): number {
  return left.name < right.name ? -1 : 1;
}
