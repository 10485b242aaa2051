import { CloverError } from '../../lib/errors.ts';
import type { Acknowledgement, Gateway, GatewaySnapshot } from './gateway.ts';

type Reply = (snapshot: GatewaySnapshot) => Acknowledgement;

const acknowledge: Reply = () => ({ state: 'acknowledged' });

/** A gateway without a data plane, for tests: it keeps what it was given. */
export interface MemoryGateway extends Gateway {
  /** Every snapshot that it took, oldest first; repeated ones count again. */
  readonly applied: readonly GatewaySnapshot[];
  /** Decides the answer from now on; it may throw what a gateway throws. */
  answer(reply: Reply): void;
}

/** A {@link MemoryGateway} that acknowledges everything until told otherwise. */
export function createMemoryGateway(): MemoryGateway {
  const applied: GatewaySnapshot[] = [];
  let reply: Reply = acknowledge;
  const fence = (): number => Math.max(0, ...applied.map(({ version }) => version));
  return {
    xdsDir: '/xds',
    applied,
    fence,
    answer: (next) => {
      reply = next;
    },
    apply: async (snapshot) => {
      if (snapshot.version < fence()) {
        throw new CloverError('CLV_CONFLICT', `snapshot ${fence()} is already in place`);
      }
      applied.push(snapshot);
      return reply(snapshot);
    },
  };
}
