import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { CloverError } from '../../functions/lib/errors.ts';
import { untilStopped, type CliEnv } from '../env.ts';
import { writeLines } from '../output/print.ts';
import type { GlobalOptions } from '../connect.ts';

interface UpOptions extends GlobalOptions {
  readonly data?: string;
  readonly port: number;
  readonly pods?: string;
  readonly envoy?: string;
  readonly notifications?: string;
  readonly corsOrigin?: readonly string[];
}

/** `cloverctl up`: the whole of Clover on this machine, until it is told to stop. */
export function registerUp(program: Command, env: CliEnv): void {
  program
    .command('up')
    .description('run the control plane, the agent, ClickHouse and Envoy on this machine')
    .option(
      '--data <folder>',
      'where everything is kept (default: data in the folder of cloverctl)',
    )
    .option('--port <number>', 'port of the API on 127.0.0.1', parsePort, 7700)
    .option(
      '--pods <file>',
      'the pods that the agent traces (default: pods.json in the data folder)',
    )
    .option('--envoy <file>', 'program file of Envoy (default: the one that set-up fetched)')
    .option(
      '--notifications <file>',
      'JSON: webhooks that are told what happens, [{"url", "secret", "types"}]',
    )
    .option(
      '--cors-origin <origin>',
      'browsers of this origin may call, as for a UI served elsewhere; may be repeated',
      parseOrigin,
    )
    .addHelpText(
      'after',
      '\nRuns until Ctrl-C, as the context "local" or the one of --context: the other commands find it.',
    )
    .action((_: unknown, command: Command) => up(command.optsWithGlobals<UpOptions>(), env));
}

async function up(options: UpOptions, env: CliEnv): Promise<void> {
  // Its imports are heavy, and no other command needs them.
  const { pino } = await import('pino');
  const { claimDataFolder } = await import('../supervisor/data-folder.ts');
  const { assertPortFree, assertRoot } = await import('../supervisor/machine.ts');
  const { envoyProgram } = await import('../supervisor/programs.ts');
  const { startStack } = await import('../supervisor/stack.ts');
  const { writeJson } = await import('../supervisor/stack-files.ts');
  const { sweep } = await import('../supervisor/sweep.ts');
  const { withRun } = await import('../supervisor/with-run.ts');
  const { checkedName } = await import('../contexts/config.ts');
  const { knownContexts } = await import('../contexts/known.ts');
  const { holderOf, localContext, publishContext } = await import('../contexts/running.ts');

  const { parseNotifications } = await import('../../functions/host/notifications-config.ts');

  const notifications =
    options.notifications === undefined ? [] : parseNotifications(readText(options.notifications));
  const name = checkedName(options.context ?? localContext);
  if (options.envoy !== undefined) demandProgram(options.envoy);
  if (options.pods !== undefined) readText(options.pods);
  env.hold();
  const dataDir = resolve(options.data ?? join(env.home, 'data'));
  const podsFile = resolve(options.pods ?? join(dataDir, 'pods.json'));
  const envoy = options.envoy === undefined ? envoyProgram() : resolve(options.envoy);
  const log = pino({ level: 'info', base: null }, pino.destination({ dest: 2, sync: true }));
  const stopped = untilStopped(env.signal);
  assertRoot();
  await sweep();
  await assertPortFree(options.port);
  const leave = claimDataFolder(dataDir);
  const work = withRun({ kind: 'up', log }, async ({ run, supervisor }) => {
    if (!existsSync(podsFile)) writeJson(podsFile, { pods: [] });
    const starting = startStack({
      run,
      supervisor,
      log,
      podsFile,
      envoy,
      dataDir,
      port: options.port,
      notifications,
      corsOrigins: options.corsOrigin ?? [],
    });
    starting.catch(() => undefined);
    const stack = await Promise.race([starting, stopped]);
    if (stack === undefined) return;
    const { url, token } = stack;
    const before = holderOf(name, env);
    const withdraw = publishContext(env, { name, url, token });
    writeLines(env, [
      `Clover is up at ${url}, until Ctrl-C.`,
      ...places([
        ['context', name],
        ['API', `${url}/openapi.json, the token in ${join(dataDir, 'token')}`],
        ['metrics', `${url}/metrics`],
        ['data', dataDir],
        ['pods', podsFile],
        ['logs', join(run.path, 'logs')],
        ...(options.corsOrigin ?? []).map((one): [string, string] => ['browsers of', one]),
      ]),
    ]);
    if (before !== undefined) {
      env.stdout.write(
        `The context ${name} meant process ${before.pid} (${before.url}), and does again when this one ends.\n`,
      );
    }
    const { current } = await knownContexts(env);
    if (current !== name) {
      env.stdout.write(`The current context is ${current ?? 'none'}: say --context ${name}\n`);
    }
    await stopped;
    withdraw();
  });
  await work.finally(leave);
}

function places(found: readonly (readonly [what: string, where: string])[]): readonly string[] {
  const width = Math.max(...found.map(([what]) => what.length));
  return found.map(([what, where]) => `  ${what.padEnd(width)}   ${where}`);
}

function demandProgram(path: string): void {
  try {
    accessSync(resolve(path), constants.X_OK);
    if (statSync(resolve(path)).isFile()) return;
  } catch {
    // Said below, as for a folder.
  }
  const message = `--envoy: found "${path}"; must be a program file that can be run`;
  throw new CloverError('CLV_ARGUMENT_INVALID', message);
}

function readText(path: string): string {
  try {
    return readFileSync(resolve(path), 'utf8');
  } catch (cause) {
    throw new CloverError('CLV_ARGUMENT_INVALID', `cannot read ${path}`, { cause });
  }
}

function parseOrigin(text: string, before: readonly string[] = []): readonly string[] {
  const isOrigin = /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
  if (!isOrigin) {
    throw new InvalidArgumentError(
      'must be an origin alone, such as https://ui.example:8443: no path, no default port',
    );
  }
  return [...new Set([...before, text])];
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new InvalidArgumentError('must be a port number, 1 to 65535');
}
