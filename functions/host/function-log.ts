import { CloverError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { createLateLog, type LateLogOptions } from './late-log.ts';

/** As the host's configuration has them; nothing is said at `trace` alone. */
const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/**
 * The log of a function in a process of its own: JSON lines on standard output, from `LOG_LEVEL` (info) upwards, with who
 * writes as Knative calls it.
 * @throws CloverError CLV_CONFIG_INVALID for an unknown level.
 */
export function functionLog(
  name: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Log {
  const { LOG_LEVEL: level, K_SERVICE: service, K_REVISION: revision } = env;
  return createLateLog({
    level: levelOf(level),
    base: {
      function: name,
      ...(service === undefined ? {} : { service }),
      ...(revision === undefined ? {} : { revision }),
    },
  });
}

function levelOf(text = 'info'): LateLogOptions['level'] {
  const level = levels.find((known) => known === text);
  if (level !== undefined) return level;
  const message = `LOG_LEVEL: found ${JSON.stringify(text)}; must be one of ${levels.join(', ')}`;
  throw new CloverError('CLV_CONFIG_INVALID', message);
}
