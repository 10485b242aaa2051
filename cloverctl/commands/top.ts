import { Argument, Option, type Command } from 'commander';
import type { ApiClient } from '../../functions/api/client.ts';
import type { RedGrouping, RedRow, TimeWindow } from '../../functions/analytics/store.ts';
import { CloverError } from '../../functions/lib/errors.ts';
import { connect } from '../connect.ts';
import type { CliEnv } from '../env.ts';
import { durationOption } from '../options.ts';
import { coloured } from '../output/colour.ts';
import { createFrame } from '../output/frame.ts';
import { formatOf, lookOf, outputOption, writeLines, type OutputOptions } from '../output/print.ts';
import type { TableLook } from '../output/table.ts';
import { printable } from '../output/text.ts';
import { redOrders, redTable, sortRed, type RedOrder } from '../output/red-table.ts';

const subjects = { services: 'service', versions: 'version' } as const satisfies Readonly<
  Record<string, RedGrouping>
>;

interface TopOptions extends OutputOptions {
  readonly window: number;
  readonly interval: number;
  readonly once?: boolean;
  readonly sort: RedOrder;
}

/** `top`: requests, errors and duration of the last moments, again and again. */
export function registerTop(program: Command, env: CliEnv): void {
  program
    .command('top')
    .description('live requests, errors and latency; with -o json one document per line')
    .addArgument(
      new Argument('[what]', 'a row for each').choices(Object.keys(subjects)).default('versions'),
    )
    .addOption(
      durationOption('--window <duration>', 'how far back each view looks', {
        least: '1s',
        most: '8760h',
        standard: '30s',
      }),
    )
    .addOption(
      durationOption('--interval <duration>', 'pause between two views', {
        least: '10ms',
        most: '1h',
        standard: '2s',
      }),
    )
    .addOption(
      new Option('--sort <column>', 'greatest first').choices(redOrders).default('requests'),
    )
    .option('--once', 'one view, for scripts')
    .addOption(outputOption(['table', 'json']))
    .action(async (what: keyof typeof subjects, _: unknown, command: Command) => {
      await top(subjects[what], command.optsWithGlobals<TopOptions>(), env);
    });
}

interface View {
  readonly window: TimeWindow;
  readonly by: RedGrouping;
  readonly rows: readonly RedRow[];
}

async function top(by: RedGrouping, options: TopOptions, env: CliEnv): Promise<void> {
  const client = await connect(options, env);
  const screen = screenOf(options, env);
  try {
    let view = await ask(client, by, options);
    screen.show(view);
    if (options.once === true) return;
    for (;;) {
      await env.clock.sleep(options.interval, env.signal).catch(() => undefined);
      if (env.signal.aborted) return;
      try {
        view = await ask(client, by, options);
        screen.show(view);
      } catch (error) {
        if (env.signal.aborted) return;
        if (!passes(error)) throw error;
        screen.trouble(view, error.message);
      }
    }
  } finally {
    screen.close();
  }
}

async function ask(client: ApiClient, by: RedGrouping, options: TopOptions): Promise<View> {
  const { window, rows } = await client.redLast(options.window, by);
  return { window, by, rows: sortRed(rows, options.sort) };
}

/** What may be better at the next view. */
const passes = (error: unknown): error is CloverError =>
  error instanceof CloverError &&
  ['CLV_ANALYTICS_UNAVAILABLE', 'CLV_CONTROL_PLANE_UNREACHABLE', 'CLV_OVERLOADED'].includes(
    error.code,
  );

interface TopScreen {
  show(view: View): void;
  /** The next view is missing. */
  trouble(last: View, message: string): void;
  close(): void;
}

const nothing = (): void => undefined;

function screenOf(options: TopOptions, env: CliEnv): TopScreen {
  const tell = (_: View, message: string): void => {
    env.stderr.write(`${message}\n`);
  };
  if (formatOf(options) === 'json') {
    return {
      show: (view) => writeLines(env, [JSON.stringify(view)]),
      trouble: tell,
      close: nothing,
    };
  }
  if (options.once === true || !env.stdout.isTTY) {
    const head = options.once === true ? () => [] : title;
    return {
      show: (view) => writeLines(env, [...head(view), ...body(view, lookOf(env))]),
      trouble: tell,
      close: nothing,
    };
  }
  const frame = createFrame(env.stdout);
  // The frame cuts by itself, as the terminal is at each drawing.
  const look = { colour: env.colour };
  const said = (message: string): string => (env.colour ? coloured(message, 'bad') : message);
  return {
    show: (view) => frame.draw([...title(view), ...body(view, look)]),
    trouble: (last, message) =>
      frame.draw([...title(last), ...body(last, look), said(printable(message))]),
    close: () => frame.close(),
  };
}

function title({ window: { from, to } }: View): readonly string[] {
  return [`# ${new Date(to).toISOString()}, the last ${(to - from) / 1_000} s`];
}

function body({ by, rows, window }: View, look: TableLook): readonly string[] {
  return rows.length === 0
    ? ['no requests were seen in this time']
    : redTable(rows, window, by === 'version', look);
}
