import { sha256 } from '../lib/canonical-json.ts';
import type { TrafficTarget } from './target.ts';

/** Of what is rendered. */
const nothing = sha256('');

/**
 * Where there is no data plane: nothing is done, and that is said of every policy. An experiment on one does not begin, and one
 * that has begun ends.
 * @param message why there is none, and what helps.
 */
export function createNoMeshTarget(message: string): TrafficTarget {
  return {
    place: ({ metadata: { namespace, name } }) => ({ key: `${namespace}/${name}` }),
    read: async () => ({
      released: new Set(),
      isSettled: () => true,
      program: async ({ form }) =>
        new Map(
          form.listeners
            .flatMap(({ hosts }) => hosts)
            .map(({ name }) => [
              name,
              { state: 'rejected', reason: 'MeshNotFound', message, version: 0, hash: nothing },
            ]),
        ),
    }),
    counters: () => ({}),
  };
}
