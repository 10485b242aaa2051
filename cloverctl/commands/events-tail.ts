import type { Command } from 'commander';
import type { TailedEvent } from '../../functions/api/schemas/broker.ts';
import type { TriggerFilter } from '../../knative/filters.ts';
import { connect } from '../connect.ts';
import type { CliEnv } from '../env.ts';
import { parseExpression, parseFilter } from '../event-filters.ts';
import { parseCount } from '../parse-count.ts';
import { formatOf, lookOf, outputOption, writeLines, type OutputOptions } from '../output/print.ts';
import { growingTable, type Column } from '../output/table.ts';
import { writeText } from '../output/write-text.ts';

interface TailOptions extends OutputOptions {
  readonly filter?: readonly TriggerFilter[];
  readonly cesql?: readonly TriggerFilter[];
  readonly limit?: number;
}

/** `events tail`: the broker's events as it takes them. */
export function registerTail(group: Command, env: CliEnv): void {
  group
    .command('tail')
    .description(
      'show events as the broker takes them, until Ctrl-C; with -o json one CloudEvent per line',
    )
    .option(
      '--filter <filter>',
      'type=VALUE, or != ^= $= for not, start and end, or filters of a trigger in JSON; may be repeated',
      parseFilter,
    )
    .option('--cesql <expression>', 'only where this is true; may be repeated', parseExpression)
    .option('--limit <n>', 'end after so many', parseCount)
    .addOption(outputOption(['table', 'json']))
    .action((_: unknown, command: Command) => tail(command.optsWithGlobals<TailOptions>(), env));
}

const resumed = 'the stream broke and was taken up anew: events between were missed\n';

async function tail(options: TailOptions, env: CliEnv): Promise<void> {
  const { filter = [], cesql = [], limit = Infinity } = options;
  const client = await connect(options, env);
  const show = writer(options, env);
  let shown = 0;
  const request = {
    signal: env.signal,
    filters: [...filter, ...cesql],
    onResume: () => env.stderr.write(resumed),
  };
  for await (const tailed of client.tailEvents(request)) {
    // Not in the output: whoever reads that wants events alone.
    if (tailed.missed > 0) {
      env.stderr.write(`${tailed.missed} events were missed here: the reader was too slow\n`);
    }
    show(tailed);
    shown += 1;
    if (shown === limit) return;
  }
}

function writer(options: TailOptions, env: CliEnv): (tailed: TailedEvent) => void {
  if (formatOf(options) === 'json') {
    return ({ event }) => writeText(env, `${JSON.stringify(event)}\n`);
  }
  const columns: readonly Column<TailedEvent>[] = [
    { head: 'TIME', cell: ({ event }) => timeOfDay(event.time), whole: true },
    // Types of one project begin alike; a very long one leaves room for the others.
    { head: 'TYPE', cell: ({ event }) => event.type, least: 40 },
    { head: 'SOURCE', cell: ({ event }) => event.source },
    { head: 'SUBJECT', cell: ({ event }) => event.subject ?? '-' },
    { head: 'BYTES', cell: ({ size }) => String(size), align: 'right' },
    { head: 'ID', cell: ({ event }) => event.id },
  ];
  const lines = growingTable(columns, lookOf(env));
  return (tailed) => writeLines(env, lines(tailed));
}

/** Of an RFC 3339 time: HH:MM:SS in UTC. */
function timeOfDay(time: string | undefined): string {
  if (time === undefined) return '-';
  const at = new Date(time);
  // A leap second is a time in RFC 3339, and none for Date.
  return (Number.isNaN(at.valueOf()) ? time : at.toISOString()).slice(11, 19);
}
