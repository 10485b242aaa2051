import type { ApiClient } from '../../functions/api/client.ts';
import { kinds } from '../../knative/resources/kinds.ts';
import { durationMs } from '../../functions/lib/duration.ts';
import { connect } from '../connect.ts';
import { knownContexts } from '../contexts/known.ts';
import type { CliEnv } from '../env.ts';
import type { Candidate, LiveNames, Wanted } from './wanted.ts';

/** Somebody waits with a finger on the key. */
const shortPatienceMs = 2_000;
const most = 500;

/** Names as they are now; none when nobody answers in time, 2 s or CLOVER_COMPLETION_TIMEOUT. */
export async function liveNames(
  live: LiveNames,
  options: Wanted['options'],
  env: CliEnv,
): Promise<readonly Candidate[]> {
  const signal = AbortSignal.any([env.signal, AbortSignal.timeout(patienceMs(env))]);
  try {
    if (live.of === 'contexts') {
      const { contexts } = await knownContexts(env);
      return contexts.map(({ name }) => ({ value: name }));
    }
    if (live.of === 'triggers') return await triggerNames(options, { ...env, signal });
    const client = await connect(connectionOf(options), { ...env, signal });
    return await ask(client, live, options.get('namespace') ?? 'default');
  } catch {
    // A shell that completes words is no place for errors: the command itself will tell them.
    return [];
  }
}

function patienceMs({ variables }: CliEnv): number {
  try {
    return durationMs(variables['CLOVER_COMPLETION_TIMEOUT'] ?? '');
  } catch {
    return shortPatienceMs;
  }
}

function connectionOf(options: Wanted['options']) {
  const [server, token, context] = ['server', 'token', 'context'].map((name) => options.get(name));
  return {
    ...(server === undefined ? {} : { server }),
    ...(token === undefined ? {} : { token }),
    ...(context === undefined ? {} : { context }),
  };
}

/** Those of the catalogue, and those of dead letters: of webhooks, say, or of a version before. */
async function triggerNames(
  options: Wanted['options'],
  env: CliEnv,
): Promise<readonly Candidate[]> {
  const { catalogue } = await import('../../knative/catalogue.ts');
  const known = catalogue.flatMap(({ triggers }) => triggers.map(({ name }) => name));
  const buried = async (): Promise<readonly string[]> => {
    const client = await connect(connectionOf(options), env);
    const { items } = await client.deadLetters({ limit: most });
    return items.map(({ trigger }) => trigger);
  };
  // The catalogue needs no answer.
  const names = [...known, ...(await buried().catch(() => []))];
  return [...new Set(names)].sort().map((value) => ({ value }));
}

async function ask(
  client: ApiClient,
  live: Exclude<LiveNames, { readonly of: 'contexts' | 'triggers' }>,
  namespace: string,
): Promise<readonly Candidate[]> {
  if (live.of === 'objects') {
    const { items } = await client.list(live.kind, namespace, { limit: most });
    return items.map(({ metadata }) => ({ value: metadata.name }));
  }
  if (live.of === 'namespaces') {
    const lists = await Promise.all(
      kinds.map(({ kind }) => client.list(kind, undefined, { limit: most })),
    );
    const found = lists.flatMap(({ items }) => items.map(({ metadata }) => metadata.namespace));
    return [...new Set(found)].sort().map((value) => ({ value }));
  }
  const { items } = await client.deadLetters({ limit: most });
  return items.map(({ id, trigger, event }) => ({
    value: String(id),
    description: `${trigger}: ${event.type}`,
  }));
}
