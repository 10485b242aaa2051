import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { CloverError } from '../../functions/lib/errors.ts';
import { isRecord } from '../../functions/lib/plain-value.ts';
import { version } from '../../functions/lib/version.ts';
import type { Installation } from '../../knative/render/installation.ts';
import { readInstallation } from '../../knative/render/read-installation.ts';
import type { SetOption } from './set-option.ts';

/** An installation as its owner writes it: not checked yet. */
export type Settings = Readonly<Record<string, unknown>>;

/** Options by which an installation is said. */
export interface SettingsOptions {
  readonly filename?: string;
  readonly set?: readonly SetOption[];
  readonly imageRegistry?: string;
}

/** The second over the first; maps are merged, all else is replaced. */
export function merge(base: Settings, over: Settings): Settings {
  const merged = Object.entries(over).map(([name, value]): [string, unknown] => {
    const before = base[name];
    return [name, isRecord(before) && isRecord(value) ? merge(before, value) : value];
  });
  return { ...base, ...Object.fromEntries(merged) };
}

/** Settings without those that are null, which are as if nobody had said them: so is one taken back. */
export function withoutNulls(settings: Settings): Settings {
  const said = Object.entries(settings).filter(([, value]) => value !== null);
  return Object.fromEntries(
    said.map(([name, value]) => [name, isRecord(value) ? withoutNulls(value) : value]),
  );
}

/**
 * What options say.
 * @throws CloverError CLV_ARGUMENT_INVALID when the file cannot be read, or a value is no YAML.
 */
export function chosenSettings(options: SettingsOptions): Settings {
  const { filename, set = [], imageRegistry } = options;
  const file = filename === undefined ? {} : readSettings(filename);
  const registry = imageRegistry === undefined ? {} : { registry: imageRegistry };
  return [file, registry, ...set.map((one) => settingOf(one))].reduce<Settings>(merge, {});
}

/**
 * An installation with all its defaults.
 * @throws CloverError CLV_ARGUMENT_INVALID with every field that is wrong.
 */
export function checkedInstallation(
  settings: Settings,
  found: { readonly namespace: string; readonly knative: boolean },
): Installation {
  const fixed = { version, namespace: found.namespace };
  const problems = Object.entries(fixed).flatMap(([name, value]) =>
    (settings[name] ?? value) === value
      ? []
      : [`${name}: found ${JSON.stringify(settings[name])}; this would install ${value}`],
  );
  const reading = readInstallation(
    JSON.stringify({ knative: found.knative, ...settings, ...fixed }),
  );
  if ('installation' in reading && problems.length === 0) return reading.installation;
  const all = [...problems, ...('problems' in reading ? reading.problems : [])];
  const details = all.map((problem) => {
    const at = problem.indexOf(': ');
    return { field: problem.slice(0, at), message: problem.slice(at + 2) };
  });
  const message = 'settings are missing or wrong: say them with --set NAME=VALUE or -f FILE';
  throw new CloverError('CLV_ARGUMENT_INVALID', message, { details });
}

/** The value is YAML, so that `true` and `[a, b]` are what they look like. */
function settingOf({ path, value }: SetOption): Settings {
  const parsed = yamlOf(value, `--set ${path.join('.')}`);
  const tree = path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), parsed);
  return isRecord(tree) ? tree : {};
}

function yamlOf(text: string, where: string): unknown {
  try {
    const value: unknown = parse(text);
    return value;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split('\n', 1).join('') : String(cause);
    throw new CloverError('CLV_ARGUMENT_INVALID', `${where}: ${why}`, { cause });
  }
}

function readSettings(path: string): Settings {
  let text: string;
  try {
    text = readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (cause) {
    throw new CloverError('CLV_ARGUMENT_INVALID', `cannot read ${path}`, { cause });
  }
  const value = yamlOf(text, path);
  if (isRecord(value)) return value;
  throw new CloverError('CLV_ARGUMENT_INVALID', `${path}: must be one map of settings`);
}
