import type { CloverFunction } from './function.ts';

/** Whether something that functions work with answers, and if not, what it says. */
export interface DependencyState {
  readonly answers: boolean;
  readonly why?: string;
}

/** By name. */
export type DependencyStates = Readonly<Record<string, DependencyState>>;

/**
 * Asks what functions work with, and do not wait for at their start. However many want to know at the same time, each is asked once.
 * @param withinMs who says nothing for so long does not answer.
 */
export function createDependencyCheck(
  functions: readonly Pick<CloverFunction, 'dependencies'>[],
  withinMs = 5_000,
): () => Promise<DependencyStates> {
  const asks = functions.flatMap(({ dependencies = {} }) => Object.entries(dependencies));
  let running: Promise<DependencyStates> | undefined;
  const all = async (): Promise<DependencyStates> => {
    try {
      const states = asks.map(async ([name, ask]): Promise<[string, DependencyState]> => [
        name,
        await stateOf(ask, withinMs),
      ]);
      return Object.fromEntries(await Promise.all(states));
    } finally {
      running = undefined;
    }
  };
  return () => (running ??= all());
}

async function stateOf(ask: () => Promise<void>, withinMs: number): Promise<DependencyState> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  AbortSignal.timeout(withinMs).addEventListener('abort', () =>
    reject(new Error(`there was no answer within ${withinMs / 1_000} s`)),
  );
  try {
    await Promise.race([ask(), late]);
    return { answers: true };
  } catch (error) {
    return { answers: false, why: error instanceof Error ? error.message : String(error) };
  }
}
