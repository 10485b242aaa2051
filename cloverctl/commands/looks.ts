import type { Command } from 'commander';
import type { Look } from '../../functions/evidence/evidence-store.ts';
import { readConclusion, type Conclusion } from '../../functions/evaluate/look.ts';
import { sha256 } from '../../functions/lib/canonical-json.ts';
import { connect } from '../connect.ts';
import type { CliEnv } from '../env.ts';
import { namespaceOption } from '../options.ts';
import { exitCodes } from '../exit-codes.ts';
import {
  formatOf,
  outputOption,
  writeJson,
  writeTable,
  type OutputOptions,
} from '../output/print.ts';
import { effectText } from '../../functions/lib/effect-text.ts';
import { stateTone } from '../output/colour.ts';
import { timeText } from '../output/text.ts';
import type { Column } from '../output/table.ts';

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
    .addOption(namespaceOption())
    .addOption(outputOption(['table', 'wide', 'json']))
    .action(async (run: string, _: unknown, command: Command) => {
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
  { head: 'AT', cell: (look) => timeText(concluded(look)?.at) },
  { head: 'STAGE', cell: (look) => concluded(look)?.stage ?? '-' },
  { head: 'OUTCOME', cell: (look) => concluded(look)?.outcome ?? '-', tone: stateTone },
  { head: 'SAMPLES', cell: (look) => pair(concluded(look)?.summary.samples), align: 'right' },
  { head: 'ERRORS', cell: (look) => pair(concluded(look)?.summary.errors), align: 'right' },
  {
    head: 'CHAIN',
    cell: ({ chained }) => (chained ? 'ok' : 'BROKEN'),
    tone: (text) => (text === 'ok' ? undefined : 'bad'),
  },
  { head: 'HASH', cell: ({ hash }) => hash.slice(0, 12) },
  {
    head: 'EFFECTS',
    cell: (look) => concluded(look)?.summary.effects.map(effectText).join('; ') || '-',
    wide: true,
  },
  { head: 'REASON', cell: (look) => concluded(look)?.reason ?? '-', wide: true },
];

/** Undefined for a body that another version of Clover wrote. */
function concluded(look: Look): Conclusion | undefined {
  try {
    return readConclusion(look);
  } catch {
    return undefined;
  }
}

function pair(arms: { readonly control: number; readonly variant: number } | undefined): string {
  return arms === undefined ? '-' : `${arms.control}/${arms.variant}`;
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
    writeTable(env, shown, looks, { wide: format === 'wide' });
  }
}
