import { InvalidArgumentError } from 'commander';
import { durationMs } from '../functions/lib/duration.ts';

/** Parser of a duration option; milliseconds. */
export function parseDuration(text: string): number {
  try {
    return durationMs(text);
  } catch {
    throw new InvalidArgumentError('must be a duration such as 250ms, 30s or 5m');
  }
}
