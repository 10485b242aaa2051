import type { TrafficPolicy } from '../../../knative/resources/traffic-policy.ts';
import { canonicalJson, sha256 } from '../../lib/canonical-json.ts';
import { CloverError } from '../../lib/errors.ts';
import { targetKey } from '../../lib/policy-age.ts';
import type { Place, PolicyOutcome, TargetReading, Traffic, TrafficTarget } from '../target.ts';
import type { Gateway } from './gateway.ts';
import { renderEnvoy } from './renderer.ts';
import { parseEnvoyResources } from './resources.ts';
import type { EnvoySnapshot, SnapshotStore } from './snapshot-store.ts';

/** What {@link createEnvoyTarget} works on. */
export interface EnvoyTargetOptions {
  readonly snapshots: SnapshotStore;
  readonly gateway: Gateway;
}

/** What the gateway did with a head. */
type Answer =
  | { readonly state: 'acknowledged' }
  | { readonly state: 'unknown'; readonly message: string }
  /** Refused part → reason; see `Gateway.apply`. */
  | { readonly state: 'rejected'; readonly parts: ReadonlyMap<string, string> };

/** One Envoy without a mesh: all policies are one snapshot, which is committed before the gateway has it. */
export function createEnvoyTarget({ snapshots, gateway }: EnvoyTargetOptions): TrafficTarget {
  let committed = 0;
  let last: { readonly version: number; readonly answer: Answer } | undefined;

  const applied = async (head: EnvoySnapshot, resync: boolean): Promise<Answer> => {
    // The same bytes would be refused again; once a minute is often enough to see whether Envoy changed.
    if (!resync && last?.version === head.version && last.answer.state === 'rejected') {
      return last.answer;
    }
    const answer = await applyTo(gateway, head);
    last = { version: head.version, answer };
    return answer;
  };

  const readingOf = (head: EnvoySnapshot | undefined, fence: number): TargetReading => {
    const render = (traffic: Traffic) => {
      const text = canonicalJson(renderEnvoy(traffic.form, gateway.xdsDir));
      const hash = sha256(text);
      const released = traffic.policies.flatMap((policy) => policy.released).toSorted();
      const isSettled =
        head?.hash === hash &&
        // Files from the future: the database was lost. Numbers go on above them.
        fence <= head.version &&
        canonicalJson(head.released) === canonicalJson(released);
      return { text, hash, released, isSettled };
    };

    /** The head that carries the traffic: the present one, or one more. */
    const settleHead = async (traffic: Traffic): Promise<EnvoySnapshot> => {
      const { text, hash, released, isSettled } = render(traffic);
      if (head !== undefined && isSettled) return head;
      const before = head?.version ?? 0;
      const version = Math.max(before, fence) + 1;
      const next = { version, hash, resources: text, released };
      const advanced = await snapshots.advance(before, next);
      committed += 1;
      return advanced;
    };

    return {
      released: new Set(head?.released),
      // Where nothing ever was, no traffic needs no snapshot.
      isSettled: (traffic) =>
        head === undefined ? traffic.policies.length === 0 : render(traffic).isSettled,
      program: async (traffic, { resync }) => {
        const settled = await settleHead(traffic);
        const answer = await applied(settled, resync);
        const ports = traffic.form.listeners.flatMap(({ port, hosts }) =>
          hosts.map(({ name }) => [name, port] as const),
        );
        return new Map(ports.map(([key, port]) => [key, outcomeOf(answer, settled, port)]));
      },
    };
  };

  return {
    place: placeOf,
    read: async () => readingOf(await snapshots.head(), gateway.fence()),
    counters: () => ({ snapshots: committed, snapshot: last?.version ?? 0 }),
  };
}

function placeOf(policy: TrafficPolicy): Place {
  const index = policy.spec.versions.findIndex(({ endpoints }) => endpoints === undefined);
  if (index === -1) return { key: targetKey(policy) };
  const { name } = policy.spec.versions[index] ?? { name: '' };
  return {
    problem: `spec.versions[${index}] ("${name}") has labels, by which only a mesh finds pods: give it endpoints`,
  };
}

function outcomeOf(answer: Answer, { version, hash }: EnvoySnapshot, port: number): PolicyOutcome {
  if (answer.state === 'unknown') return { ...answer, version, hash };
  const taken: PolicyOutcome = { state: 'acknowledged', message: '', version, hash };
  if (answer.state === 'acknowledged') return taken;
  const parts = [`routes/${port}`, 'clusters', 'listeners'];
  const message = parts.flatMap((part) => answer.parts.get(part) ?? [])[0];
  return message === undefined ? taken : { ...taken, state: 'rejected', message };
}

async function applyTo(gateway: Gateway, head: EnvoySnapshot): Promise<Answer> {
  try {
    const { state, message = 'the gateway does not answer' } = await gateway.apply({
      version: head.version,
      resources: parseEnvoyResources(head.resources),
    });
    return state === 'acknowledged' ? { state } : { state, message };
  } catch (error) {
    if (!(error instanceof CloverError) || error.code !== 'CLV_GATEWAY_REJECTED') throw error;
    const parts = new Map(error.details.map(({ field, message }) => [field, message]));
    return { state: 'rejected', parts };
  }
}
