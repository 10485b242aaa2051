import type { Command } from 'commander';
import { z } from 'zod';
import type { Look } from '../../functions/evaluate/evidence-store.ts';
import { sha256 } from '../../functions/lib/canonical-json.ts';
import { connect } from '../connect.ts';
import type { CliEnv } from '../env.ts';
import { exitCodes } from '../exit-codes.ts';
import {
  formatOf,
  outputOption,
  writeJson,
  writeLines,
  type OutputOptions,
} from '../output/print.ts';
import { table, type Column } from '../output/table.ts';

interface LooksOptions extends OutputOptions {
  readonly namespace: string;
}

interface CheckedLook extends Look {
  /** Whether the hash is right, and the look before is the one that it names. */
  readonly chained: boolean;
}

/** `looks`: what the judge saw, look by look, with the chain of hashes checked. */
export function registerLooks(program: Command, env: CliEnv): void {
  program
    .command('looks')
    .description('show the looks of a run, and check their chain of hashes')
    .argument('<run>', 'name of an ExperimentRun')
    .option('-n, --namespace <name>', 'namespace', 'default')
    .addOption(outputOption(['table', 'wide', 'json']))
    .action(async (run: string, _, command: Command) => {
      const options = command.optsWithGlobals<LooksOptions>();
      const client = await connect(options, env);
      const looks = checkChain(await client.looks(options.namespace, run));
      if (looks.some(({ chained }) => !chained)) env.fail(exitCodes.failed);
      print(run, looks, options, env);
    });
}

/** Marks every look whose number, hash or predecessor is not what the chain demands. */
export function checkChain(looks: readonly Look[]): CheckedLook[] {
  return looks.map((look, index) => ({
    ...look,
    chained:
      look.number === index + 1 &&
      look.previous === (looks[index - 1]?.hash ?? '0'.repeat(64)) &&
      look.hash === sha256(look.previous + look.body),
  }));
}

const columns: readonly Column<CheckedLook>[] = [
  { head: 'LOOK', cell: ({ number }) => String(number), align: 'right' },
  { head: 'CHAIN', cell: ({ chained }) => (chained ? 'ok' : 'BROKEN') },
  { head: 'HASH', cell: ({ hash }) => hash.slice(0, 12) },
  { head: 'VERDICT', cell: ({ body }) => verdictOf(body) },
  { head: 'BODY', cell: ({ body }) => body, wide: true },
];

const judged = z.looseObject({ verdict: z.string() });

function verdictOf(body: string): string {
  const parsed = judged.safeParse(JSON.parse(body));
  return parsed.success ? parsed.data.verdict : '-';
}

function print(
  run: string,
  looks: readonly CheckedLook[],
  options: LooksOptions,
  env: CliEnv,
): void {
  const format = formatOf(options);
  if (format === 'json') {
    const items = looks.map(({ body, ...look }) => {
      const parsed: unknown = JSON.parse(body);
      return { ...look, body: parsed };
    });
    writeJson(env, { run, items });
  } else if (looks.length === 0) {
    env.stderr.write(`run ${run} has no looks yet\n`);
  } else {
    const shown = columns.filter(({ wide = false }) => format === 'wide' || !wide);
    writeLines(env, table(shown, looks));
  }
}
