import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CloverError, type ErrorDetail } from '../../functions/lib/errors.ts';
import type { CliEnv } from '../env.ts';
import { writeJson } from '../supervisor/stack-files.ts';
import { withLock } from './lock.ts';
import { serverUrlFault } from './server-url.ts';

/** What a function of this folder needs of the environment. */
export type ConfigEnv = Pick<CliEnv, 'clock' | 'home' | 'signal'>;

const serverUrl = z.string().superRefine((text, check) => {
  const fault = serverUrlFault(text);
  if (fault !== undefined) check.addIssue(fault);
});

const contextName = z
  .string()
  .regex(
    /^[A-Za-z0-9][\w.-]{0,62}$/,
    'must be letters, digits, ".", "_" and "-", at most 63, a letter or digit first',
  );

/**
 * The name of a context, if it is one.
 * @throws CloverError CLV_ARGUMENT_INVALID.
 */
export function checkedName(text: string): string {
  const parsed = contextName.safeParse(text);
  if (parsed.success) return parsed.data;
  const message = `found the context name "${text}"; ${parsed.error.issues[0]?.message ?? ''}`;
  throw new CloverError('CLV_ARGUMENT_INVALID', message);
}

const hostName = z
  .string()
  .regex(
    /^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/,
    'must be a name of DNS, such as api.clover-system.svc.cluster.local',
  );

/**
 * The name of a host, if it is one.
 * @throws CloverError CLV_ARGUMENT_INVALID.
 */
export function checkedHost(text: string): string {
  const parsed = hostName.safeParse(text);
  if (parsed.success) return parsed.data;
  const message = `--host: found "${text}"; ${parsed.error.issues[0]?.message ?? ''}`;
  throw new CloverError('CLV_ARGUMENT_INVALID', message);
}

const context = z
  .strictObject({
    url: serverUrl,
    token: z.string().min(1).optional(),
    /** A file that holds the token, read at every call; relative to the folder of the config. */
    tokenFile: z.string().min(1).optional(),
    /** A context of the kubeconfig, whose token is asked for at every call. */
    kubeContext: z.string().min(1).optional(),
    /** Its name where it is asked for at the address of something that serves more than it: a network layer of Knative. */
    host: hostName.optional(),
  })
  .superRefine(({ token, tokenFile, kubeContext }, check) => {
    const named = Object.entries({ token, tokenFile, kubeContext });
    const given = named.filter(([, value]) => value !== undefined).map(([name]) => name);
    if (given.length > 1) {
      check.addIssue({ code: 'custom', message: `has ${given.join(' and ')}: keep one of them` });
    }
  });

/** Where a control plane is, and what it is asked with. */
export type Context = z.output<typeof context>;

const config = z.strictObject({
  currentContext: contextName.optional(),
  contexts: z.record(contextName, context).default({}),
});

/** `config.json`: the control planes that the user has named. */
export type Config = z.output<typeof config>;

/** The form of `context.json`, which earlier versions wrote. */
const formerContext = z.strictObject({ url: serverUrl, token: z.string() });

/** Path of the config file. */
export const configPath = ({ home }: Pick<CliEnv, 'home'>): string => join(home, 'config.json');

const formerPath = ({ home }: Pick<CliEnv, 'home'>): string => join(home, 'context.json');

/**
 * The config file; an empty config where there is none. A `context.json` of an earlier version becomes its context
 * `default`, once.
 * @throws CloverError CLV_CONFIG_INVALID that names file and field, and never a value: it may be a token.
 */
export async function readConfig(env: ConfigEnv): Promise<Config> {
  const found = read(configPath(env), config);
  if (found !== undefined) return found;
  return existsSync(formerPath(env)) ? changeConfig(env, (now) => now) : { contexts: {} };
}

/**
 * Changes the config file as one step: others see all of the change or nothing of it, and no change is lost.
 * @throws CloverError CLV_CONFIG_INVALID when it cannot be read, CLV_CONFLICT when another process holds its lock.
 */
export async function changeConfig(
  env: ConfigEnv,
  change: (before: Config) => Config,
): Promise<Config> {
  const path = configPath(env);
  return withLock(`${path}.lock`, env, () => {
    const after = change(read(path, config) ?? former(env));
    writeJson(path, after);
    rmSync(formerPath(env), { force: true });
    return after;
  });
}

function former(env: ConfigEnv): Config {
  const found = read(formerPath(env), formerContext);
  if (found === undefined) return { contexts: {} };
  const { url, token } = found;
  const entry = token === '' ? { url } : { url, token };
  return { currentContext: 'default', contexts: { default: entry } };
}

/** A JSON file of this form, or undefined where there is none. */
function read<T>(path: string, schema: z.ZodType<T>): T | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    const message = `${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new CloverError('CLV_CONFIG_INVALID', message, { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw damaged(path, 'it is not JSON');
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const details = parsed.error.issues.map((issue) => ({
    field: issue.path.map(String).join('.'),
    message: inWords(issue),
  }));
  const [first] = details;
  const where = first === undefined || first.field === '' ? '' : `${first.field}: `;
  throw damaged(path, `${where}${first?.message ?? 'unknown form'}`, details);
}

function damaged(path: string, why: string, details: readonly ErrorDetail[] = []): CloverError {
  const fix = 'mend it, or move it away and begin anew with "cloverctl config set-context"';
  return new CloverError('CLV_CONFIG_INVALID', `${path} is damaged: ${why}; ${fix}`, { details });
}

/** Never with the value. */
function inWords(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'unrecognized_keys': {
      const allowed = Object.keys((issue.path.length === 0 ? config : context).shape);
      return `unknown field ${issue.keys.join(', ')}; allowed are ${allowed.join(', ')}`;
    }
    case 'invalid_type':
      return `must be ${issue.expected === 'object' ? 'an object' : `a ${issue.expected}`}`;
    case 'invalid_key':
      return issue.issues[0]?.message ?? issue.message;
    default:
      return issue.message;
  }
}
