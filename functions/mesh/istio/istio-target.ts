import { canonicalJson, sha256 } from '../../lib/canonical-json.ts';
import type { Clock } from '../../lib/clock.ts';
import { CloverError } from '../../lib/errors.ts';
import type { KubeClient } from '../../resources/kubernetes/client.ts';
import type { PolicyOutcome, TargetReading, TrafficTarget } from '../target.ts';
import type { TrafficForm } from '../traffic-form.ts';
import { claimsMore, findForeign } from './foreign.ts';
import { inPlaceOf, isPolicyInPlace, releasedOf } from './in-place.ts';
import { createIstioWriter, type PolicyWrite, type Provided } from './istio-writer.ts';
import { readLive, type LiveObject } from './live-objects.ts';
import type { PolicyObjects } from './objects.ts';
import { istioPlace } from './place.ts';
import { renderIstio } from './renderer.ts';
import { serviceHost } from './service-host.ts';
import { serviceProblem, type ServicePort } from './service-problem.ts';

/** Options of {@link createIstioTarget}. */
export interface IstioTargetOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** The end of full names of Services. @default 'cluster.local' */
  readonly clusterDomain?: string;
  /** How long a subset or a fault stays after the last route to it, in milliseconds, at least. @default 5,000 */
  readonly drainMs?: number;
  /**
   * How long a new subset or fault is there before the first route to it, in milliseconds. istiod gathers changes until none came for a
   * tenth of a second, and pushes them together. @default 1,000
   */
  readonly leadMs?: number;
}

/**
 * Istio, by objects in a Kubernetes API that Clover owns as a whole: of each policy a VirtualService, a DestinationRule, and an
 * EnvoyFilter for each version with a fault.
 *
 * The VirtualService is the fence: it alone decides which subset and which fault a request gets. It is written if it is still
 * the one that was read before the policies and the runs were, and it is written anew whenever their `basis` changed, even to the
 * same routes. So a writer that stalled after it had read old weights finds another one.
 */
export function createIstioTarget(options: IstioTargetOptions): TrafficTarget {
  const { client, clock, clusterDomain, drainMs = 5_000, leadMs = 1_000 } = options;
  const writer = createIstioWriter({ client, clock, drainMs });
  const render = (form: TrafficForm): ReadonlyMap<string, PolicyObjects> =>
    renderIstio(form, clusterDomain);

  const provide = (
    write: PolicyWrite,
    service: ServicePort | undefined,
    foreign: CloverError | undefined,
  ): Promise<Provided | PolicyOutcome> =>
    orRefused<Provided | PolicyOutcome>(write, async () => {
      const message = service && (await serviceProblem(client, service));
      if (message !== undefined) {
        const version = write.inPlace.routes?.epoch ?? 0;
        return { state: 'rejected', reason: 'TargetNotFound', message, version, hash: write.hash };
      }
      if (foreign !== undefined) throw foreign;
      return writer.provide(write);
    });

  /** Keys of policies that the last look found an object of somebody else in the way of. */
  let disputed: ReadonlySet<string> = new Set();

  /** Looks only for what is new, was in dispute, or is to be made sure of: a change of weights costs no list of all objects. */
  const foreignOf = async (
    writes: readonly PolicyWrite[],
  ): Promise<ReadonlyMap<string, CloverError>> => {
    const doubtful = writes.filter(
      ({ policy, inPlace, wanted, resync }) =>
        resync || disputed.has(policy.key) || claimsMore(inPlace, wanted),
    );
    if (doubtful.length === 0) return new Map();
    const wanted = new Map(doubtful.map((write) => [write.policy.key, write.wanted]));
    const found = await findForeign(client, wanted, clusterDomain);
    // Of those in dispute all were looked for.
    disputed = new Set(found.keys());
    return found;
  };

  const readingOf = (objects: readonly LiveObject[]): TargetReading => ({
    released: new Set(objects.flatMap(releasedOf)),
    isSettled: ({ form, policies }) => {
      const rendered = render(form);
      const isSettled = policies.every((policy) => {
        const wanted = rendered.get(policy.key);
        return (
          wanted === undefined || isPolicyInPlace(inPlaceOf(objects, policy.key), wanted, policy)
        );
      });
      return isSettled && leftKeys(objects, rendered).length === 0;
    },
    program: async ({ form, policies }, { resync }) => {
      const rendered = render(form);
      const services = servicesOf(form, clusterDomain);
      const outcomes = new Map<string, PolicyOutcome>();
      const writes = policies.flatMap((policy): PolicyWrite[] => {
        const wanted = rendered.get(policy.key);
        if (wanted === undefined) return [];
        const inPlace = inPlaceOf(objects, policy.key);
        return [{ policy, wanted, hash: hashOf(wanted), inPlace, resync }];
      });
      const foreign = await foreignOf(writes);
      const late: { readonly write: PolicyWrite; readonly provided: Provided }[] = [];
      for (const write of writes) {
        const { key } = write.policy;
        const provided = await provide(write, services.get(key), foreign.get(key));
        if ('state' in provided) outcomes.set(key, provided);
        else if (provided.isNew) late.push({ write, provided });
        else outcomes.set(key, await route(write, provided));
      }
      // A proxy that hears of a subset and of a route to it in one push may have a request before it has the subset's endpoints. All
      // that are new wait once, and a roll-back, whose versions are there, for none of them.
      if (late.length > 0) await clock.sleep(leadMs);
      for (const { write, provided } of late) {
        outcomes.set(write.policy.key, await route(write, provided));
      }
      for (const key of leftKeys(objects, rendered)) {
        await writer.remove(key, inPlaceOf(objects, key), resync);
      }
      return outcomes;
    },
  });

  /** Nothing can be done; that is said of every policy. Another delivery would find the same: the next tick looks again. */
  const absent = (message: string): TargetReading => ({
    released: new Set(),
    isSettled: () => false,
    program: async ({ form }) =>
      new Map(
        [...render(form)].map(([key, wanted]) => [
          key,
          {
            state: 'rejected',
            reason: 'MeshNotFound',
            message,
            version: 0,
            hash: hashOf(wanted),
          },
        ]),
      ),
  });

  return {
    place: (policy) => istioPlace(policy, clusterDomain),
    read: async () => {
      const live = await readLive(client);
      return 'missing' in live ? absent(live.missing) : readingOf(live.objects);
    },
    counters: () => writer.counters(),
  };
}

function route(write: PolicyWrite, provided: Provided): Promise<PolicyOutcome> {
  return orRefused<PolicyOutcome>(write, async () => {
    const version = await provided.route();
    return { state: 'acknowledged', message: '', version, hash: write.hash };
  });
}

/** What is refused of a policy is its outcome; what is about all of them is thrown. */
async function orRefused<T>(
  { hash, inPlace }: PolicyWrite,
  work: () => Promise<T>,
): Promise<T | PolicyOutcome> {
  try {
    return await work();
  } catch (error) {
    const refused = refusalOf(error);
    if (refused === undefined) throw error;
    return { version: inPlace.routes?.epoch ?? 0, hash, ...refused };
  }
}

/** SHA-256 of all that a policy is rendered to: the exact bytes of its apply configuration, without the marks of one write. */
function hashOf({ virtualService, destinationRule, faults }: PolicyObjects): string {
  const specs = [virtualService, destinationRule, ...faults].map(({ name, spec }) => [name, spec]);
  return sha256(canonicalJson(specs));
}

/** Keys of policies that have objects, and are rendered no more. */
function leftKeys(
  objects: readonly LiveObject[],
  rendered: ReadonlyMap<string, PolicyObjects>,
): string[] {
  const keys = new Set(objects.flatMap(({ policy }) => policy ?? []));
  return [...keys].filter((key) => !rendered.has(key)).toSorted();
}

function servicesOf(
  { listeners }: TrafficForm,
  clusterDomain: string | undefined,
): ReadonlyMap<string, ServicePort> {
  const services = new Map<string, ServicePort>();
  for (const { port, hosts } of listeners) {
    for (const { name, domain } of hosts) {
      const [namespace = ''] = name.split('/');
      const service = serviceHost(domain, namespace, clusterDomain);
      if (service !== undefined) services.set(name, { ...service, port });
    }
  }
  return services;
}

/** What an error says of one policy; undefined when it is about all of them. */
function refusalOf(
  error: unknown,
): Pick<PolicyOutcome, 'message' | 'reason' | 'state'> | undefined {
  if (!(error instanceof CloverError)) return undefined;
  const { code, message } = error;
  if (code === 'CLV_POLICY_FOREIGN_OWNER')
    return { state: 'rejected', reason: 'ForeignOwner', message };
  const isRefusal =
    code === 'CLV_RESOURCE_INVALID' ||
    code === 'CLV_ARGUMENT_INVALID' ||
    code === 'CLV_KUBERNETES_FORBIDDEN';
  return isRefusal ? { state: 'rejected', message } : undefined;
}
