import { existsSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import type { CliEnv } from '../env.ts';
import { contextPath } from '../connect.ts';

interface UpOptions {
  readonly data?: string;
  readonly port: number;
  readonly pods?: string;
  readonly envoy?: string;
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
    .addHelpText('after', '\nRuns until Ctrl-C. The other commands find it by its context file.')
    .action((options: UpOptions) => up(options, env));
}

async function up(options: UpOptions, env: CliEnv): Promise<void> {
  // Its imports are heavy, and no other command needs them.
  const { pino } = await import('pino');
  const { createSupervisor } = await import('../supervisor/processes.ts');
  const { envoyProgram } = await import('../supervisor/programs.ts');
  const { createRunFolder } = await import('../supervisor/run-record.ts');
  const { startStack } = await import('../supervisor/stack.ts');
  const { writeJson } = await import('../supervisor/stack-files.ts');
  const { sweep, takeDown } = await import('../supervisor/sweep.ts');

  const dataDir = resolve(options.data ?? join(env.home, 'data'));
  const podsFile = resolve(options.pods ?? join(dataDir, 'pods.json'));
  const envoy = options.envoy === undefined ? envoyProgram() : resolve(options.envoy);
  await sweep();
  const run = createRunFolder('up');
  const log = pino({ level: 'info', base: null }, pino.destination({ dest: 2, sync: true }));
  const supervisor = createSupervisor({ run, log });
  const stopped = new Promise<void>((done) => {
    if (env.signal.aborted) done();
    env.signal.addEventListener('abort', () => done(), { once: true });
  });
  try {
    if (!existsSync(podsFile)) writeJson(podsFile, { pods: [] });
    const starting = startStack({
      run,
      supervisor,
      log,
      podsFile,
      envoy,
      dataDir,
      port: options.port,
    });
    starting.catch(() => undefined);
    await Promise.race([starting, stopped]);
    if (!env.signal.aborted) {
      const { url, token } = await starting;
      writeJson(contextPath(env), { url, token });
      env.stdout.write(`Clover is up at ${url}; data in ${dataDir}; logs in ${run.path}/logs\n`);
      await stopped;
      rmSync(contextPath(env), { force: true });
    }
  } finally {
    await supervisor.stopAll();
    await takeDown(run);
  }
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new InvalidArgumentError('must be a port number, 1 to 65535');
}
