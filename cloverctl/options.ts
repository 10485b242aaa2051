import { InvalidArgumentError, Option } from 'commander';
import { durationMs } from '../functions/lib/duration.ts';

/** An option with a duration within these bounds, both of them allowed, and what it is where nobody says it; milliseconds. */
export function durationOption(
  flags: string,
  description: string,
  bounds: { readonly least: string; readonly most: string; readonly standard: string },
): Option {
  const { least, most, standard } = bounds;
  return new Option(flags, description)
    .default(durationMs(standard), standard)
    .argParser(durationWithin(least, most));
}

function durationWithin(least: string, most: string): (text: string) => number {
  return (text) => {
    const found = parseDuration(text);
    if (found >= durationMs(least) && found <= durationMs(most)) return found;
    throw new InvalidArgumentError(`must be from ${least} to ${most}`);
  };
}

function parseDuration(text: string): number {
  try {
    return durationMs(text);
  } catch {
    throw new InvalidArgumentError('must be a duration such as 250ms, 30s or 5m');
  }
}

const within = durationWithin('1ms', '24h');

/** `--request-timeout`, in milliseconds; 0 is no limit, as with kubectl. */
export function requestTimeoutOption(): Option {
  return new Option(
    '--request-timeout <duration>',
    'longest wait for an answer; 0: no limit (default: 30s)',
  ).argParser((text: string) => (/^0(?:ms|s|m|h)?$/.test(text) ? 0 : within(text)));
}

/** `-f`, which may be given more than once, as with kubectl. */
export function filenameOption(): Option {
  return new Option(
    '-f, --filename <path>',
    'file, folder, or - for stdin; may be repeated',
  ).argParser((path: string, before: readonly string[] | undefined) => [...(before ?? []), path]);
}

/** `-n`, a namespace by the rule of Kubernetes: a DNS label of RFC 1123. */
export function namespaceOption(description = 'namespace'): Option {
  return new Option('-n, --namespace <name>', description)
    .default('default')
    .argParser((text: string) => {
      if (/^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/.test(text)) return text;
      throw new InvalidArgumentError(
        'must be a name of 1 to 63 lower-case letters, digits and "-", a letter or digit first and last',
      );
    });
}
