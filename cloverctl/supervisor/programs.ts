import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CloverError } from '../../functions/lib/errors.ts';

/**
 * The Envoy that set-up fetched.
 * @throws CloverError CLV_CONFIG_INVALID when it is not there.
 */
export function envoyProgram(): string {
  const path = fileURLToPath(new URL('../../.cache/envoy/envoy', import.meta.url));
  if (existsSync(path)) return path;
  throw new CloverError('CLV_CONFIG_INVALID', 'Envoy is not there: run `npm run setup` first');
}
