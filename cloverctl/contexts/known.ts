import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { checkedToken } from '../../functions/api/token.ts';
import { CloverError } from '../../functions/lib/errors.ts';
import { nearest } from '../../functions/lib/nearest.ts';
import type { CliEnv } from '../env.ts';
import { readConfig, type ConfigEnv, type Context } from './config.ts';
import { localContext, runningContexts } from './running.ts';

/** A context by name, and where it is known from. */
export interface KnownContext extends Context {
  readonly name: string;
  /** The process that runs it; undefined for one of the config file. */
  readonly pid?: number;
}

/** Every context, and the one that counts where none is named. */
export interface KnownContexts {
  readonly current: string | undefined;
  /** By name, in alphabetical order. */
  readonly contexts: readonly KnownContext[];
}

/**
 * The contexts of the config file and of what runs here. One that runs stands over one of its name in the file. The
 * current one is what `use-context` chose, else what runs here.
 * @throws CloverError CLV_CONFIG_INVALID.
 */
export async function knownContexts(env: ConfigEnv): Promise<KnownContexts> {
  const config = await readConfig(env);
  const running = runningContexts(env);
  const byName = new Map<string, KnownContext>(
    Object.entries(config.contexts).map(([name, context]) => [name, { name, ...context }]),
  );
  for (const { name, url, token, pid } of running.toReversed()) {
    byName.set(name, { name, url, token, pid });
  }
  return {
    current: config.currentContext ?? running[0]?.name,
    contexts: [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

/** The name of the context that counts by `--context`, CLOVER_CONTEXT or {@link KnownContexts.current}, in this order. */
export function chosenName(
  option: string | undefined,
  { variables }: Pick<CliEnv, 'variables'>,
  { current }: KnownContexts,
): string | undefined {
  return option ?? (variables['CLOVER_CONTEXT'] || current);
}

/**
 * The context of this name.
 * @throws CloverError CLV_ARGUMENT_INVALID with what was probably meant.
 */
export function contextNamed(name: string, { contexts }: KnownContexts): KnownContext {
  const found = contexts.find((context) => context.name === name);
  if (found !== undefined) return found;
  const names = contexts.map((context) => context.name);
  const meant = nearest(name, names);
  const known = names.length === 0 ? 'there are none' : `contexts are ${names.join(', ')}`;
  const hint = meant === undefined ? known : `did you mean "${meant}"?`;
  const start = name === localContext ? '; "cloverctl up" starts it' : '';
  throw new CloverError('CLV_ARGUMENT_INVALID', `unknown context "${name}": ${hint}${start}`);
}

/**
 * The token of a context; empty where it has none.
 * @throws CloverError CLV_CONFIG_INVALID when its file cannot be read or is empty, or the kubeconfig gives none;
 *   CLV_ARGUMENT_INVALID when what is found is no token.
 */
export async function tokenOf(
  { name, token, tokenFile, kubeContext }: KnownContext,
  { home }: ConfigEnv,
): Promise<string> {
  if (kubeContext !== undefined) {
    const { kubeconfigToken } = await import('../../functions/resources/kubernetes/kubeconfig.ts');
    const found = await kubeconfigToken(kubeContext);
    return checkedToken(found.token, `contexts.${name}.kubeContext`);
  }
  if (tokenFile === undefined) return checkedToken(token ?? '', `contexts.${name}.token`);
  const path = resolve(home, tokenFile);
  const field = `contexts.${name}.tokenFile`;
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new CloverError('CLV_CONFIG_INVALID', `${field}: ${path} cannot be read`, { cause });
  }
  if (text === '') throw new CloverError('CLV_CONFIG_INVALID', `${field}: ${path} is empty`);
  return checkedToken(text, `${field}: ${path}`);
}
