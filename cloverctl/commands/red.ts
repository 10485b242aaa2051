import type { Command } from 'commander';
import type { RedRow, TimeWindow } from '../../functions/analytics/store.ts';
import { connect, type GlobalOptions } from '../connect.ts';
import type { CliEnv } from '../env.ts';
import { parseDuration } from '../options.ts';
import { writeJson, writeLines } from '../output/print.ts';
import { table, type Column } from '../output/table.ts';

interface RedOptions extends GlobalOptions {
  readonly last: number;
  readonly watch?: boolean;
  readonly interval: number;
}

/** `red`: requests, errors and duration per service and version. */
export function registerRed(program: Command, env: CliEnv): void {
  program
    .command('red')
    .description('requests, errors and latency per service and version')
    .option('--last <duration>', 'how far back, for example 30s', parseDuration, 60_000)
    .option('-w, --watch', 'show it again and again; with --json one document per line')
    .option('--interval <duration>', 'pause between two views', parseDuration, 2_000)
    .action(async (_: unknown, command: Command) => {
      await red(command.optsWithGlobals<RedOptions>(), env);
    });
}

async function red(options: RedOptions, env: CliEnv): Promise<void> {
  const client = await connect(options, env);
  while (!env.signal.aborted) {
    const to = env.clock.now();
    const window = { from: to - Math.max(options.last, 1), to };
    const rows = await client.red(window);
    show(window, rows, options, env);
    if (options.watch !== true) return;
    await env.clock.sleep(options.interval, env.signal).catch(() => undefined);
  }
}

function show(
  window: TimeWindow,
  rows: readonly RedRow[],
  { json = false, watch = false }: RedOptions,
  env: CliEnv,
): void {
  if (json) return writeJson(env, { window, rows });
  if (watch && env.stdout.isTTY) env.stdout.write('\u001B[H\u001B[2J');
  else if (watch) env.stdout.write(`# ${new Date(window.to).toISOString()}\n`);
  if (rows.length === 0) {
    env.stderr.write('no requests were seen in this time\n');
    return undefined;
  }
  const seconds = (window.to - window.from) / 1000;
  return writeLines(env, table(columns(seconds), rows));
}

const ms = (value: number): string => (Number.isFinite(value) ? `${value.toFixed(1)}ms` : '-');

function columns(seconds: number): readonly Column<RedRow>[] {
  return [
    { head: 'SERVICE', cell: ({ service }) => service },
    { head: 'VERSION', cell: ({ version }) => version || '-' },
    { head: 'KIND', cell: ({ kind }) => kind },
    { head: 'REQUESTS', cell: ({ requests }) => String(requests), align: 'right' },
    {
      head: 'RATE',
      cell: ({ requests }) => `${(requests / seconds).toFixed(1)}/s`,
      align: 'right',
    },
    { head: 'ERRORS', cell: ({ errors }) => String(errors), align: 'right' },
    {
      head: 'RATIO',
      cell: ({ errors, requests }) =>
        requests === 0 ? '-' : `${((errors / requests) * 100).toFixed(2)}%`,
      align: 'right',
    },
    { head: 'P50', cell: ({ p50 }) => ms(p50), align: 'right' },
    { head: 'P95', cell: ({ p95 }) => ms(p95), align: 'right' },
    { head: 'P99', cell: ({ p99 }) => ms(p99), align: 'right' },
  ];
}
