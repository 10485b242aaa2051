import { backendOf, type ServiceDirectory } from './backend.ts';
import { keyOf, type Ingress } from './ingress-object.ts';
import { splitsOf } from './routes.ts';

/** What is to be rendered now. */
export interface Held {
  /** One for each that is wished, perhaps an earlier state of it. */
  readonly rendered: readonly Ingress[];
  /** Milliseconds after which one of them is rendered whatever it lacks; absent: none waits. */
  readonly againMs?: number;
}

/** Decides which state of each Ingress is rendered. */
export type HoldBack = (ingresses: readonly Ingress[], directory: ServiceDirectory) => Held;

/** Longer than watches of the same server are apart. */
const longestMs = 10_000;

/**
 * Ingresses and EndpointSlices come by watches of their own, in any order. A new state of an Ingress whose backends nobody answers
 * for yet must not take the place of one that is served: that waits for the endpoints, but not for ever.
 */
export function createHoldBack(monotonicMs: () => number): HoldBack {
  const served = new Map<string, Ingress>();
  const waiting = new Map<string, { readonly generation: number; readonly since: number }>();

  return (ingresses, directory) => {
    const now = monotonicMs();
    const keys = new Set(ingresses.map(({ metadata }) => keyOf(metadata)));
    for (const key of [...served.keys(), ...waiting.keys()]) {
      if (keys.has(key)) continue;
      served.delete(key);
      waiting.delete(key);
    }
    let againMs: number | undefined;
    const rendered = ingresses.map((ingress) => {
      const key = keyOf(ingress.metadata);
      const { generation, uid } = ingress.metadata;
      const before = served.get(key);
      const isNew = before?.metadata.uid === uid && before.metadata.generation !== generation;
      if (before !== undefined && isNew && lacksOf(ingress, directory) > 0) {
        const known = waiting.get(key);
        const since = known?.generation === generation ? known.since : now;
        waiting.set(key, { generation, since });
        const left = since + longestMs - now;
        if (left > 0) {
          againMs = Math.min(againMs ?? left, left);
          return before;
        }
      }
      waiting.delete(key);
      served.set(key, ingress);
      return ingress;
    });
    return { rendered, ...(againMs !== undefined && { againMs }) };
  };
}

function lacksOf({ spec: { rules = [] } }: Ingress, directory: ServiceDirectory): number {
  return rules
    .flatMap(({ http }) => http?.paths ?? [])
    .flatMap(splitsOf)
    .filter((split) => backendOf(split, directory).lack !== undefined).length;
}
