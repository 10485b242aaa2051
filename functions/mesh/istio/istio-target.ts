import { canonicalJson, sha256 } from '../../lib/canonical-json.ts';
import type { Clock } from '../../lib/clock.ts';
import { CloverError } from '../../lib/errors.ts';
import type { KubeClient } from '../../resources/kubernetes/client.ts';
import type { PolicyOutcome, TargetReading, TrafficTarget } from '../target.ts';
import type { TrafficForm } from '../traffic-form.ts';
import { refuseForeign } from './foreign.ts';
import { inPlaceOf, isPolicyInPlace, releasedOf } from './in-place.ts';
import { createIstioWriter, type PolicyWrite } from './istio-writer.ts';
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
  const writer = createIstioWriter({ client, clock, drainMs, leadMs });
  const render = (form: TrafficForm): ReadonlyMap<string, PolicyObjects> =>
    renderIstio(form, clusterDomain);

  const programOne = async (
    write: PolicyWrite,
    service: ServicePort | undefined,
    objects: readonly LiveObject[],
  ): Promise<PolicyOutcome> => {
    const { hash, inPlace } = write;
    const before = { version: inPlace.routes?.epoch ?? 0, hash };
    try {
      const message = service && (await serviceProblem(client, service));
      if (message !== undefined) {
        return { ...before, state: 'rejected', reason: 'TargetNotFound', message };
      }
      refuseForeign(write.wanted, objects, clusterDomain);
      return { state: 'acknowledged', message: '', version: await writer.write(write), hash };
    } catch (error) {
      const refused = refusalOf(error);
      if (refused === undefined) throw error;
      return { ...before, ...refused };
    }
  };

  const readingOf = (objects: readonly LiveObject[]): TargetReading => ({
    released: new Set(objects.filter(isOwn).flatMap(releasedOf)),
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
      for (const policy of policies) {
        const { key } = policy;
        const wanted = rendered.get(key);
        if (wanted === undefined) continue;
        const inPlace = inPlaceOf(objects, key);
        const write = { policy, wanted, hash: hashOf(wanted), inPlace, resync };
        outcomes.set(key, await programOne(write, services.get(key), objects));
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

/** SHA-256 of all that a policy is rendered to: the exact bytes of its apply configuration, without the marks of one write. */
function hashOf({ virtualService, destinationRule, faults }: PolicyObjects): string {
  const specs = [virtualService, destinationRule, ...faults].map(({ name, spec }) => [name, spec]);
  return sha256(canonicalJson(specs));
}

function isOwn({ policy }: LiveObject): boolean {
  return policy !== undefined;
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
