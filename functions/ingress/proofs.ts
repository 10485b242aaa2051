import type { Prober, ProbeTarget } from './probe.ts';
import type { Outcome } from './translate.ts';

/** Remembers which Ingresses every Envoy has answered for. */
export interface Proofs {
  /** Asks for those that are not proven yet; each Envoy for each rule. */
  ask(outcomes: readonly Outcome[], envoys: readonly string[]): Promise<void>;
  has(outcome: Outcome): boolean;
  /** What Envoys have has to be asked anew. */
  forget(): void;
}

/** @param envoys addresses; the ports are those of the rules. */
export function createProofs(prober: Pick<Prober, 'hashAt'>): Proofs {
  const proven = new Map<string, string>();
  const has = ({ key, hash }: Outcome): boolean => proven.get(key) === hash;

  const answers = async (
    { probes, hash }: Outcome,
    envoys: readonly string[],
  ): Promise<boolean> => {
    const places = envoys.flatMap((address) =>
      probes.map(({ port, host }): [ProbeTarget, string] => [{ address, port }, host]),
    );
    const found = await Promise.all(places.map(([target, host]) => prober.hashAt(target, host)));
    return found.length > 0 && found.every((one) => one === hash);
  };

  return {
    ask: async (outcomes, envoys) => {
      const wanted = new Set(outcomes.map(({ key }) => key));
      for (const key of proven.keys()) if (!wanted.has(key)) proven.delete(key);
      await Promise.all(
        outcomes
          .filter((outcome) => outcome.problems.length === 0 && !has(outcome))
          .map(async (outcome) => {
            if (await answers(outcome, envoys)) proven.set(outcome.key, outcome.hash);
          }),
      );
    },
    has,
    forget: () => proven.clear(),
  };
}
