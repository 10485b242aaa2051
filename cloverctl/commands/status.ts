import type { Command } from 'commander';
import { connect, type GlobalOptions } from '../connect.ts';
import type { CliEnv } from '../env.ts';
import { writeJson, writeTable } from '../output/print.ts';
import type { Column } from '../output/table.ts';

/** `status`: the counters of every part. */
export function registerStatus(program: Command, env: CliEnv): void {
  program
    .command('status')
    .description('show the counters of every part of the control plane')
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const status = await (await connect(options, env)).status();
      if (options.json === true) writeJson(env, status);
      else writeTable(env, columns, flatten(status));
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
