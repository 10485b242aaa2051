import { once } from 'node:events';
import type { Command } from 'commander';
import type { CaptureLedger, FileEnd } from '../../native/capture/types.ts';
import type { CliEnv } from '../env.ts';
import { exitCodes } from '../exit-codes.ts';
import { formatOf, lookOf, outputOption, writeLines, type OutputOptions } from '../output/print.ts';
import { growingTable } from '../output/table.ts';
import { writeText } from '../output/write-text.ts';
import { spanColumns } from '../trace/columns.ts';
import { ledgerLines, traceLedger } from '../trace/ledger.ts';
import { showProgress } from '../trace/progress.ts';
import { isTracedSpan } from '../trace/traced-span.ts';

/** `trace`: the requests in a capture file, by the core of the agent. */
export function registerTrace(program: Command, env: CliEnv): void {
  program
    .command('trace')
    .description('show the requests in a capture file; with --json one JSON document per line')
    .argument('<file>', 'pcap or pcapng, packed with gzip or not; - for stdin')
    .addOption(outputOption(['table', 'json']))
    .addHelpText(
      'after',
      `
Reads captures of Ethernet, Linux cooked, raw IP and loopback, and what is in VXLAN, GENEVE, GRE and IP in IP.
A "?" behind a status: a part of the request or its answer is not in the file. The last lines say where every
request and every byte went. Needs no control plane, and no rights but to read the file.`,
    )
    .action((path: string, _: unknown, command: Command) =>
      trace(path, command.optsWithGlobals<OutputOptions>(), env),
    );
}

async function trace(path: string, options: OutputOptions, env: CliEnv): Promise<void> {
  // The addon is loaded for this command alone.
  const { captureChunks } = await import('../trace/capture-chunks.ts');
  const { readCapture } = await import('../trace/read-capture.ts');
  const isJson = formatOf(options) === 'json';
  const show = isJson ? (line: string) => writeText(env, `${line}\n`) : tableWriter(env);
  const { chunks, share } = await captureChunks(path, env);
  const progress = showProgress(env, share);
  try {
    const reading = readCapture(chunks, env.signal);
    for await (const line of reading.lines) {
      if (isClosed(env)) return;
      show(line);
      if (env.stdout.writableNeedDrain) await drained(env);
    }
    progress.end();
    if (isClosed(env)) return;
    finish(reading.end(), isJson, env);
  } finally {
    progress.end();
  }
}

function tableWriter(env: CliEnv): (line: string) => void {
  const lines = growingTable(spanColumns, lookOf(env));
  return (line) => {
    const span: unknown = JSON.parse(line);
    if (isTracedSpan(span)) writeLines(env, lines(span));
  };
}

/** Whether nobody reads the output any more, such as `head` that has seen enough. */
function isClosed({ stdout }: CliEnv): boolean {
  return stdout.destroyed || stdout.writableEnded || stdout.errored != null;
}

async function drained({ stdout }: CliEnv): Promise<void> {
  try {
    await once(stdout, 'drain', { signal: AbortSignal.timeout(3_600_000) });
  } catch {
    // It is closed, which is looked at next.
  }
}

function finish(
  {
    ledger,
    end,
    error,
  }: { readonly ledger: CaptureLedger; readonly end: FileEnd; readonly error: unknown },
  isJson: boolean,
  env: CliEnv,
): void {
  // Of what is no capture there is nothing to tell.
  if (error !== undefined && end.packets === 0) throw error;
  if (isJson) writeText(env, `${JSON.stringify(traceLedger(ledger))}\n`);
  else writeLines(env, ['', ...ledgerLines(ledger, end)]);
  if (env.signal.aborted) env.fail(exitCodes.stopped);
  if (end.truncated) env.stderr.write('warning: the file ends in the middle of a packet\n');
  if (error !== undefined) throw error;
}
