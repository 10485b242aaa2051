import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isAlive } from '../../cloverctl/supervisor/process-table.ts';
import { sweep } from '../../cloverctl/supervisor/sweep.ts';
import { buildPrograms, cacheFolder } from './build.ts';
import { kubernetes } from './programs.ts';
import { forgetRunning, readRunning, type Running } from './running.ts';

const usage = `usage: npm run cluster -- build|up|status|down [--json]

  build   build the programs from Go's module proxy and keep them in .cache/cluster
  up      build what is missing and start a Kubernetes API on loopback
  status  what runs, where its logs are, and the kubeconfig to use
  down    end it, and take away all that it made
`;
const stopWithinMs = 60_000;
const tell = (line: string): void => {
  process.stderr.write(`${line}\n`);
};
const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

async function up(): Promise<Running> {
  const found = readRunning();
  if (found !== undefined) return found;
  await sweep();
  forgetRunning();
  await buildPrograms(kubernetes, tell);
  mkdirSync(cacheFolder, { recursive: true });
  const logFile = join(cacheFolder, 'keeper.log');
  const sink = openSync(logFile, 'w', 0o600);
  const program = fileURLToPath(new URL('keeper.ts', import.meta.url));
  const keeper = spawn(process.execPath, [program], {
    detached: true,
    stdio: ['ignore', sink, sink],
  });
  closeSync(sink);
  keeper.unref();
  const began = Date.now();
  for (;;) {
    const running = readRunning();
    if (running !== undefined) {
      tell(`ready after ${((Date.now() - began) / 1_000).toFixed(1)} s`);
      return running;
    }
    if (keeper.exitCode !== null || keeper.signalCode !== null) {
      throw new Error(`the cluster did not start:\n${readFileSync(logFile, 'utf8').trimEnd()}`);
    }
    await sleep(50);
  }
}

async function down(): Promise<boolean> {
  const running = readRunning();
  if (running !== undefined) {
    process.kill(running.keeper.pid, 'SIGTERM');
    const until = Date.now() + stopWithinMs;
    while (isAlive(running.keeper) && Date.now() < until) await sleep(50);
    if (isAlive(running.keeper)) process.kill(running.keeper.pid, 'SIGKILL');
  }
  // What a keeper that was killed has left.
  const swept = await sweep();
  forgetRunning();
  return running !== undefined || swept.length > 0;
}

function show(running: Running | undefined, asJson: boolean): void {
  if (asJson) return print(JSON.stringify(running ?? null));
  if (running === undefined) return print('no cluster runs: npm run cluster -- up');
  for (const one of running.processes) {
    const state = isAlive(one) ? `pid ${one.pid}` : 'ended';
    print(`${one.name.padEnd(24)} ${state.padEnd(12)} ${join(running.logs, `${one.name}.log`)}`);
  }
  print(`\nexport KUBECONFIG=${running.kubeconfig}`);
}

async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { json: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  switch (positionals.join(' ')) {
    case 'build':
      return print(JSON.stringify(await buildPrograms(kubernetes, tell), null, 2));
    case 'up':
      return show(await up(), values.json);
    case 'status': {
      const running = readRunning();
      if (running === undefined) process.exitCode = 1;
      return show(running, values.json);
    }
    case 'down':
      return tell((await down()) ? 'taken down' : 'nothing ran');
    default:
      process.stderr.write(usage);
      process.exitCode = 2;
  }
}

await main(process.argv.slice(2)).catch((error: unknown) => {
  tell(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
