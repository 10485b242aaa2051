import type { Command } from 'commander';
import { connect, type GlobalOptions } from '../connect.ts';
import type { CliEnv } from '../env.ts';
import { durationOption } from '../options.ts';
import { lookOf, writeLines } from '../output/print.ts';
import { redTable } from '../output/red-table.ts';
import { resultForm, resultOption, writeResult, type ResultOptions } from '../output/results.ts';

interface RedOptions extends GlobalOptions, ResultOptions {
  readonly last: number;
}

/** `red`: requests, errors and duration per service and version of one time; `top` is the same, live. */
export function registerRed(program: Command, env: CliEnv): void {
  program
    .command('red')
    .description('requests, errors and latency per service and version; "top" shows them live')
    .addOption(
      durationOption('--last <duration>', 'how far back, for example 30s', {
        least: '1s',
        most: '8760h',
        standard: '1m',
      }),
    )
    .addOption(resultOption(['json', 'yaml', 'jsonpath=']))
    .action(async (_: unknown, command: Command) => {
      await red(command.optsWithGlobals<RedOptions>(), env);
    });
}

async function red(options: RedOptions, env: CliEnv): Promise<void> {
  const client = await connect(options, env);
  const { window, rows } = await client.redLast(options.last);
  const form = resultForm(options);
  if (form.kind !== 'text') await writeResult(env, form, { window, rows });
  else if (rows.length === 0) env.stderr.write('no requests were seen in this time\n');
  else writeLines(env, redTable(rows, window, true, lookOf(env)));
}
