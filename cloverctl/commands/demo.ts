import type { Command } from 'commander';
import type { GlobalOptions } from '../connect.ts';
import { untilStopped, type CliEnv } from '../env.ts';
import { exitCodes } from '../exit-codes.ts';

interface DemoFlags {
  readonly keep?: boolean;
}

/** `cloverctl demo`: the whole loop on real traffic, on this machine. */
export function registerDemo(program: Command, env: CliEnv): void {
  program
    .command('demo')
    .description('judge two new versions of a sample network function on real traffic')
    .option('--keep', 'leave everything up at the end, until Ctrl-C')
    .addHelpText(
      'after',
      '\nExit code 0 only if both verdicts are right and the closing table closes.',
    )
    .action((flags: DemoFlags, command: Command) => demo(flags, command, env));
}

async function demo(flags: DemoFlags, command: Command, env: CliEnv): Promise<void> {
  // Its imports are heavy, and no other command needs them.
  const { pino } = await import('pino');
  const { runDemo } = await import('../demo/run.ts');
  const { checkedName } = await import('../contexts/config.ts');
  const { localContext, publishContext } = await import('../contexts/running.ts');
  const { createLineScreen, createLiveScreen } = await import('../demo/screen.ts');

  const { context = localContext, json = false } = command.optsWithGlobals<GlobalOptions>();
  const name = checkedName(context);
  env.hold();
  const line = (text: string): void => void env.stdout.write(`${text}\n`);
  const screen = env.stdout.isTTY && !json ? createLiveScreen(env.stdout) : createLineScreen(line);
  // Processes that end by themselves are told on stderr; a crash must not hide.
  const log = pino({ level: 'warn', base: null }, pino.destination({ dest: 2, sync: true }));
  const report = await runDemo({
    screen,
    log,
    clock: env.clock,
    signal: env.signal,
    ...(flags.keep === true
      ? {
          onEnd: async (_report, { url, token }) => {
            const withdraw = publishContext(env, { name, url, token });
            screen.block(keptUp(url));
            await untilStopped(env.signal);
            withdraw();
          },
        }
      : {}),
  });
  if (json) line(JSON.stringify(report));
  else line(report.ok ? 'ok: both verdicts are right and the ledger closes' : 'NOT ok');
  if (!report.ok) env.fail(exitCodes.failed);
}

function keptUp(url: string): string[] {
  return [
    `Everything stays up until Ctrl-C. The API is at ${url}; try, from another terminal:`,
    '  cloverctl/bin.mjs get experiments -n sdc',
    '  cloverctl/bin.mjs describe experiment drill -n sdc',
    '  cloverctl/bin.mjs top',
    '  cloverctl/bin.mjs get trafficpolicy proxy -n sdc -o yaml',
  ];
}
