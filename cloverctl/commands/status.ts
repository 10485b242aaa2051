import type { Command } from 'commander';
import { connect, type GlobalOptions } from '../connect.ts';
import type { CliEnv } from '../env.ts';
import { writeTable } from '../output/print.ts';
import { resultForm, resultOption, writeResult, type ResultOptions } from '../output/results.ts';
import type { Column } from '../output/table.ts';

/** `status`: the counters of every part. */
export function registerStatus(program: Command, env: CliEnv): void {
  program
    .command('status')
    .description('show the counters of every part of the control plane')
    .addOption(resultOption(['json', 'yaml', 'jsonpath=']))
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions & ResultOptions>();
      const status = await (await connect(options, env)).status();
      const form = resultForm(options);
      if (form.kind === 'text') writeTable(env, columns, flatten(status));
      else await writeResult(env, form, status);
    });
}

type Counter = readonly [name: string, value: string];

const columns: readonly Column<Counter>[] = [
  { head: 'COUNTER', cell: ([name]) => name, whole: true },
  { head: 'VALUE', cell: ([, value]) => value, align: 'right' },
];

/** Every leaf of a tree with its dotted path. */
function flatten(value: unknown, path = ''): Counter[] {
  if (typeof value !== 'object' || value === null) return [[path, String(value)]];
  const entries: [string, unknown][] = Object.entries(value);
  return entries.flatMap(([key, inner]) => flatten(inner, path === '' ? key : `${path}.${key}`));
}
