import { InvalidArgumentError, Option } from 'commander';
import { durationMs } from '../functions/lib/duration.ts';

/** Parser of a duration option; milliseconds. */
export function parseDuration(text: string): number {
  try {
    return durationMs(text);
  } catch {
    throw new InvalidArgumentError('must be a duration such as 250ms, 30s or 5m');
  }
}

/** `-f`, which may be given more than once, as with kubectl. */
export function filenameOption(): Option {
  return new Option(
    '-f, --filename <path>',
    'file, folder, or - for stdin; may be repeated',
  ).argParser((path: string, before: readonly string[] | undefined) => [...(before ?? []), path]);
}
