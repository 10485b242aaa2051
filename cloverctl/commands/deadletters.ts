import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import type { ApiClient } from '../../functions/api/client.ts';
import type { DeadLetterDocument } from '../../functions/api/schemas/broker.ts';
import { CloverError } from '../../functions/lib/errors.ts';
import { connect, type GlobalOptions } from '../connect.ts';
import type { CliEnv } from '../env.ts';
import { exitCodes } from '../exit-codes.ts';
import {
  formatOf,
  outputOption,
  writeJson,
  writeTable,
  writeYaml,
  type OutputOptions,
} from '../output/print.ts';
import { parseCount } from '../parse-count.ts';
import { timeText } from '../output/text.ts';
import { errorDocument, reportError, type ErrorDocument } from '../report-error.ts';

interface ListFlags extends OutputOptions {
  readonly trigger?: string;
  readonly limit: number;
}

interface ChangeFlags extends GlobalOptions {
  readonly trigger?: string;
  readonly all?: boolean;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

const pageSize = 500;

/** `deadletters`: events that could not be delivered. */
export function registerDeadLetters(program: Command, env: CliEnv): void {
  const group = program
    .command('deadletters')
    .description('events that could not be delivered: see them, deliver them again, drop them');
  group
    .command('list')
    .description('list dead letters, newest first')
    .option('--trigger <name>', 'only those of this trigger')
    .option('--limit <n>', 'at most so many', parseCount, 100)
    .addOption(outputOption(['table', 'json', 'yaml']))
    .action((_: unknown, command: Command) => list(command.optsWithGlobals<ListFlags>(), env));
  group
    .command('show')
    .description('show one dead letter with its event and its last error')
    .argument('<id>', 'number of the dead letter', parseCount)
    .addOption(outputOption(['table', 'yaml', 'json']))
    .action((id: number, _: unknown, command: Command) =>
      show(id, command.optsWithGlobals<OutputOptions>(), env),
    );
  for (const [verb, does, done] of [
    ['replay', 'deliver dead letters to their trigger again', 'replayed'],
    ['drop', 'delete dead letters for good', 'dropped'],
  ] as const) {
    group
      .command(verb)
      .description(does)
      .argument('[ids...]', 'numbers of dead letters', parseIds)
      .option('--all', 'every one, or every one of --trigger')
      .option('--trigger <name>', 'with --all: only those of this trigger')
      .option('--yes', 'do not ask')
      .option('--dry-run', 'say which, and change nothing')
      .action((ids: readonly number[] = [], _: unknown, command: Command) =>
        change({ verb, done, ids }, command.optsWithGlobals<ChangeFlags>(), env),
      );
  }
}

async function list({ trigger, limit, ...options }: ListFlags, env: CliEnv): Promise<void> {
  const client = await connect(options, env);
  const letters: DeadLetterDocument[] = [];
  for await (const letter of each(client, trigger)) {
    letters.push(letter);
    if (letters.length === limit) break;
  }
  const format = formatOf(options);
  if (format === 'json') return writeJson(env, { items: letters });
  if (format === 'yaml') return writeYaml(env, { items: letters });
  if (letters.length === 0) {
    env.stderr.write(`${none(trigger)}\n`);
    return undefined;
  }
  return writeTable(
    env,
    [
      { head: 'ID', cell: ({ id }) => String(id), align: 'right' },
      { head: 'AT', cell: ({ at }) => timeText(at) },
      { head: 'TRIGGER', cell: ({ trigger: name }) => name },
      { head: 'TYPE', cell: (letter) => letter.event.type },
      { head: 'ATTEMPTS', cell: ({ attempts = '-' }) => String(attempts), align: 'right' },
      {
        head: 'STATUS',
        cell: ({ event }) => textOf(event['knativeerrorcode']),
        align: 'right',
      },
      { head: 'ERROR', cell: lastError },
    ],
    letters,
  );
}

async function show(id: number, options: OutputOptions, env: CliEnv): Promise<void> {
  const client = await connect(options, env);
  const letter = await client.deadLetter(id);
  if (letter === undefined) throw missing(id);
  const whole = { ...letter, lastError: lastError(letter) };
  return formatOf(options) === 'json' ? writeJson(env, whole) : writeYaml(env, whole);
}

interface Change {
  readonly verb: 'replay' | 'drop';
  readonly done: string;
  readonly ids: readonly number[];
}

async function change({ verb, done, ids }: Change, flags: ChangeFlags, env: CliEnv): Promise<void> {
  if (flags.all === true ? ids.length > 0 : ids.length === 0) {
    throw new CloverError(
      'CLV_ARGUMENT_INVALID',
      `${verb}: give numbers, such as "${verb} 7 9", or --all, not both`,
    );
  }
  if (flags.trigger !== undefined && flags.all !== true) {
    throw new CloverError('CLV_ARGUMENT_INVALID', '--trigger goes with --all');
  }
  const client = await connect(flags, env);
  const chosen = [...ids];
  if (flags.all === true) {
    for await (const { id } of each(client, flags.trigger)) chosen.push(id);
  }
  if (chosen.length === 0) env.stderr.write(`${none(flags.trigger)}\n`);
  if (chosen.length === 0 && flags.json !== true) return;
  const asks =
    chosen.length > 0 && flags.all === true && flags.yes !== true && flags.dryRun !== true;
  if (asks && !(await agreed(`${verb} ${chosen.length} dead letters?`, env))) {
    env.stderr.write('nothing was changed\n');
    env.fail(exitCodes.failed);
    return;
  }
  const changed: number[] = [];
  const errors: ErrorDocument[] = [];
  for (const id of chosen) {
    try {
      if (flags.dryRun === true) {
        if ((await client.deadLetter(id)) === undefined) throw missing(id);
      } else if (verb === 'replay') await client.replayDeadLetter(id);
      else await client.dropDeadLetter(id);
      changed.push(id);
      if (flags.json !== true) {
        env.stdout.write(`dead letter ${id} ${done}${flags.dryRun === true ? ' (dry run)' : ''}\n`);
      }
    } catch (error) {
      env.signal.throwIfAborted();
      errors.push(errorDocument(error));
      reportError(error, env, false, `dead letter ${id}: `);
    }
  }
  if (flags.json === true) {
    writeJson(env, { [done]: changed, ...(errors.length > 0 ? { errors } : {}) });
  } else if (chosen.length !== 1) {
    const failed = errors.length === 0 ? '' : `, ${errors.length} failed`;
    const dry = flags.dryRun === true ? ' (dry run)' : '';
    env.stdout.write(`${changed.length} of ${chosen.length} dead letters ${done}${failed}${dry}\n`);
  }
}

async function agreed(question: string, env: CliEnv): Promise<boolean> {
  if (!env.stdin.isTTY) {
    throw new CloverError(
      'CLV_ARGUMENT_INVALID',
      '--all asks first: add --yes where nobody can answer',
    );
  }
  const terminal = createInterface({ input: env.stdin, output: env.stderr });
  try {
    const answer = await terminal.question(`${question} [y/N] `, { signal: env.signal });
    return /^y(?:es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

/** Every letter, page by page. */
async function* each(client: ApiClient, trigger?: string): AsyncGenerator<DeadLetterDocument> {
  let before: number | undefined;
  do {
    const page = await client.deadLetters({
      limit: pageSize,
      ...(trigger === undefined ? {} : { trigger }),
      ...(before === undefined ? {} : { before }),
    });
    yield* page.items;
    before = page.next;
  } while (before !== undefined);
}

/** Said where there are none. */
const none = (trigger: string | undefined): string =>
  `no dead letters${trigger === undefined ? '' : ` of a trigger "${trigger}"`}`;

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '-');

/** What the function said last; Knative keeps it in base64. */
function lastError({ event }: DeadLetterDocument): string {
  const { knativeerrordata: data } = event;
  return typeof data === 'string' ? Buffer.from(data, 'base64').toString('utf8') : '-';
}

function missing(id: number): CloverError {
  return new CloverError('CLV_NOT_FOUND', `there is no dead letter ${id}`);
}

function parseIds(text: string, before: readonly number[] | undefined): readonly number[] {
  return [...(before ?? []), parseCount(text)];
}
