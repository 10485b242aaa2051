import type { z } from 'zod';
import type { secretKey } from '../installation-values.ts';

/** Where a secret text is: a Secret, and the key in there. */
export type SecretKey = z.output<typeof secretKey>;

interface Named {
  readonly tokenSecret?: SecretKey;
}

/** The token of every caller. */
export function tokenSecretOf({ controlPlane }: { readonly controlPlane: Named }): SecretKey {
  return controlPlane.tokenSecret ?? { name: 'control-plane-token', key: 'token' };
}

/** The token of agents. Not beside the other one: a node may read the whole of a Secret that its pods mount. */
export function agentTokenSecretOf({ agent }: { readonly agent: Named }): SecretKey {
  return agent.tokenSecret ?? { name: 'agent-token', key: 'token' };
}
