import { canonicalJson } from '../lib/canonical-json.ts';
import { CloverError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Gateway } from '../mesh/envoy/gateway.ts';
import type { EnvoyResources } from '../mesh/envoy/resources.ts';

/** How far Envoy is with the newest configuration. */
export type Progress =
  | { readonly state: 'acknowledged' | 'unknown' }
  | { readonly state: 'refused'; readonly message: string };

/** Brings one Envoy to what is wanted. */
export interface DataPlane {
  /** Call it one at a time. What Envoy has acknowledged is not written again. */
  bring(resources: EnvoyResources): Promise<Progress>;
}

/** @param onWrite called for each attempt, with what came of it. */
export function createDataPlane(options: {
  readonly gateway: Pick<Gateway, 'apply' | 'fence'>;
  readonly log: Log;
  readonly onWrite: (state: Progress['state']) => void;
}): DataPlane {
  const { gateway, log, onWrite } = options;
  /** What Envoy was given last, and under which number. */
  let given: { readonly text: string; readonly version: number } | undefined;
  let progress: Progress = { state: 'unknown' };

  const write = async (resources: EnvoyResources, version: number): Promise<Progress> => {
    try {
      const { state, message } = await gateway.apply({ version, resources });
      if (state === 'unknown') log.warn({ version, message }, 'Envoy has not acknowledged yet');
      return { state };
    } catch (error) {
      if (!(error instanceof CloverError)) throw error;
      log.error({ version, err: error }, 'Envoy does not have the newest configuration');
      // Somebody else has written: the next number is above theirs.
      if (error.code === 'CLV_CONFLICT') given = undefined;
      return error.code === 'CLV_GATEWAY_REJECTED'
        ? { state: 'refused', message: error.message }
        : { state: 'unknown' };
    }
  };

  return {
    bring: async (resources) => {
      const text = canonicalJson(resources);
      const isSame = given?.text === text;
      // The same again would be refused again, and each time Envoy would be asked why.
      if (isSame && progress.state !== 'unknown') return progress;
      given = isSame && given !== undefined ? given : { text, version: gateway.fence() + 1 };
      progress = await write(resources, given.version);
      onWrite(progress.state);
      return progress;
    },
  };
}
