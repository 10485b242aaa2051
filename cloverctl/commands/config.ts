import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { checkedToken } from '../../functions/api/token.ts';
import { CloverError } from '../../functions/lib/errors.ts';
import type { GlobalOptions } from '../connect.ts';
import {
  changeConfig,
  checkedHost,
  checkedName,
  readConfig,
  type Context,
} from '../contexts/config.ts';
import { chosenName, contextNamed, knownContexts, type KnownContext } from '../contexts/known.ts';
import { holderOf } from '../contexts/running.ts';
import { checkedServerUrl } from '../contexts/server-url.ts';
import type { CliEnv } from '../env.ts';
import {
  formatOf,
  outputOption,
  writeJson,
  writeLines,
  writeTable,
  writeYaml,
  type OutputOptions,
} from '../output/print.ts';

interface SetFlags extends GlobalOptions {
  readonly url?: string;
  readonly host?: string;
  readonly tokenFile?: string;
  readonly tokenStdin?: boolean;
  /** True: of the current context. */
  readonly kubeToken?: string | true;
}

/** `config`: the control planes that are known by name. */
export function registerConfig(program: Command, env: CliEnv): void {
  const group = program
    .command('config')
    .description('contexts: names for several control planes, kept in config.json');
  group
    .command('get-contexts')
    .description('list the contexts; * marks the one that counts')
    .addOption(outputOption(['table', 'name', 'json', 'yaml']))
    .action((_: unknown, command: Command) => list(command.optsWithGlobals(), env));
  group
    .command('current-context')
    .description('say which context counts')
    .action((_: unknown, command: Command) => current(command.optsWithGlobals(), env));
  group
    .command('use-context')
    .description('make a context the current one')
    .argument('<name>', 'context')
    .action((name: string, _: unknown, command: Command) =>
      use(name, command.optsWithGlobals(), env),
    );
  group
    .command('set-context')
    .description('add a context, or change what is given of it')
    .argument('<name>', 'context: letters, digits, ".", "_" and "-", at most 63')
    .option('--url <url>', 'address of the control plane; a new context needs it')
    .option('--host <name>', 'name that it is asked for by, where the address is that of a gateway')
    .option('--token-file <file>', 'file that holds the token, read at every call')
    .option('--token-stdin', 'read the token from standard input, and keep it in config.json')
    .option(
      '--kube-token [context]',
      'ask a context of the kubeconfig for its token, at every call (default: the one that is current now)',
    )
    .action((name: string, _: unknown, command: Command) =>
      set(name, command.optsWithGlobals(), env),
    );
  group
    .command('delete-context')
    .description('forget a context')
    .argument('<name>', 'context of config.json')
    .action((name: string, _: unknown, command: Command) =>
      remove(name, command.optsWithGlobals(), env),
    );
  group
    .command('view')
    .description('show config.json; tokens are hidden')
    .addOption(outputOption(['yaml', 'json']).default('yaml'))
    .action((_: unknown, command: Command) => view(command.optsWithGlobals(), env));
}

async function list(options: OutputOptions, env: CliEnv): Promise<void> {
  const known = await knownContexts(env);
  const chosen = chosenName(options.context, env, known);
  const items = known.contexts.map((context) => ({
    name: context.name,
    current: context.name === chosen,
    url: context.url,
    token: tokenSource(context),
    source: context.pid === undefined ? 'config.json' : `process ${context.pid}`,
  }));
  const format = formatOf(options);
  if (format === 'json') return writeJson(env, { items });
  if (format === 'yaml') return writeYaml(env, { items });
  if (format === 'name') {
    return writeLines(
      env,
      items.map(({ name }) => name),
    );
  }
  if (items.length === 0) env.stderr.write('no contexts\n');
  if (items.length === 0) return undefined;
  return writeTable(
    env,
    [
      { head: 'CURRENT', cell: ({ current: counts }) => (counts ? '*' : '') },
      { head: 'NAME', cell: ({ name }) => name, whole: true },
      { head: 'URL', cell: ({ url }) => url },
      { head: 'TOKEN', cell: ({ token }) => token },
      { head: 'SOURCE', cell: ({ source }) => source },
    ],
    items,
  );
}

function tokenSource({ token, tokenFile, kubeContext }: KnownContext): string {
  if (kubeContext !== undefined) return `kubeconfig ${kubeContext}`;
  if (tokenFile !== undefined) return `file ${tokenFile}`;
  return token === undefined ? 'none' : 'kept';
}

async function current(options: GlobalOptions, env: CliEnv): Promise<void> {
  const known = await knownContexts(env);
  const name = chosenName(options.context, env, known);
  if (name === undefined) {
    throw new CloverError('CLV_NOT_FOUND', 'no context is current: see "cloverctl config --help"');
  }
  const { url } = contextNamed(name, known);
  if (options.json === true) writeJson(env, { name, url });
  else writeLines(env, [name]);
}

async function use(name: string, options: GlobalOptions, env: CliEnv): Promise<void> {
  contextNamed(name, await knownContexts(env));
  await changeConfig(env, (config) => ({ ...config, currentContext: name }));
  tell(name, 'current', options, env);
}

async function set(name: string, flags: SetFlags, env: CliEnv): Promise<void> {
  checkedName(name);
  const given = await fieldsOf(flags, env);
  const holder = holderOf(name, env);
  let outcome = 'unchanged';
  await changeConfig(env, (config) => {
    const before = Object.hasOwn(config.contexts, name) ? config.contexts[name] : undefined;
    const url = given.url ?? before?.url;
    if (url === undefined) throw wrong(`a new context needs --url; "${name}" is not there yet`);
    const isTokenGiven = [given.token, given.tokenFile, given.kubeContext].some(Boolean);
    const { token: _, tokenFile: __, kubeContext: ___, ...rest } = before ?? {};
    const after: Context = { ...(isTokenGiven ? rest : before), ...given, url };
    if (before === undefined) outcome = 'created';
    else if (fingerprint(before) !== fingerprint(after)) outcome = 'configured';
    return { ...config, contexts: { ...config.contexts, [name]: after } };
  });
  if (holder !== undefined) {
    env.stderr.write(
      `warning: until process ${holder.pid} ends, "${name}" means what that one runs, ${holder.url}\n`,
    );
  }
  tell(name, outcome, flags, env);
}

const fingerprint = ({ url, host, token, tokenFile, kubeContext }: Context): string =>
  JSON.stringify([url, host, token, tokenFile, kubeContext]);

async function fieldsOf(
  { url, host, token, tokenFile, tokenStdin, kubeToken }: SetFlags,
  env: CliEnv,
): Promise<Partial<Context>> {
  if (token !== undefined) {
    throw wrong(
      '--token is for one call; give the token of a context by --token-stdin, --token-file or --kube-token',
    );
  }
  if ([tokenFile, tokenStdin, kubeToken].filter(Boolean).length > 1) {
    throw wrong('--token-file, --token-stdin and --kube-token: give one of them');
  }
  return {
    ...(url === undefined ? {} : { url: checkedServerUrl(url, '--url') }),
    ...(host === undefined ? {} : { host: checkedHost(host) }),
    ...(tokenFile === undefined ? {} : { tokenFile: resolve(tokenFile) }),
    ...(tokenStdin === true ? { token: await tokenFrom(env) } : {}),
    ...(kubeToken === undefined ? {} : { kubeContext: await kubeContextOf(kubeToken) }),
  };
}

/** The name of the context, once it has given a token. Another one that is current later is perhaps of another cluster. */
async function kubeContextOf(kubeToken: string | true): Promise<string> {
  const { kubeconfigToken } = await import('../../functions/resources/kubernetes/kubeconfig.ts');
  return (await kubeconfigToken(kubeToken === true ? undefined : kubeToken)).context;
}

async function tokenFrom(env: CliEnv): Promise<string> {
  const token = (await text(env.stdin)).trim();
  if (token === '') throw wrong('--token-stdin: found nothing; must be the token');
  return checkedToken(token, '--token-stdin');
}

async function remove(name: string, options: GlobalOptions, env: CliEnv): Promise<void> {
  const { contexts } = await readConfig(env);
  if (!Object.hasOwn(contexts, name)) {
    const { pid } = contextNamed(name, await knownContexts(env));
    throw wrong(
      `context "${name}" is not of config.json: process ${pid ?? '?'} runs it, stop that`,
    );
  }
  let wasCurrent = false;
  await changeConfig(env, ({ currentContext, contexts: before }) => {
    wasCurrent = currentContext === name;
    const kept = wasCurrent || currentContext === undefined ? {} : { currentContext };
    const rest = Object.entries(before).filter(([other]) => other !== name);
    return { ...kept, contexts: Object.fromEntries(rest) };
  });
  if (wasCurrent) env.stderr.write(`warning: "${name}" was the current context\n`);
  tell(name, 'deleted', options, env);
}

async function view(options: OutputOptions, env: CliEnv): Promise<void> {
  const { contexts, ...rest } = await readConfig(env);
  const hidden = Object.entries(contexts).map(([name, context]): [string, Context] => [
    name,
    { ...context, ...(context.token === undefined ? {} : { token: '<hidden>' }) },
  ]);
  const whole = { ...rest, contexts: Object.fromEntries(hidden) };
  return formatOf(options) === 'json' ? writeJson(env, whole) : writeYaml(env, whole);
}

function tell(name: string, outcome: string, { json }: GlobalOptions, env: CliEnv): void {
  if (json === true) writeJson(env, { name, outcome });
  else writeLines(env, [`context "${name}" ${outcome === 'current' ? 'is current' : outcome}`]);
}

const wrong = (message: string): CloverError => new CloverError('CLV_ARGUMENT_INVALID', message);
