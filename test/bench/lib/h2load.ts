import { readFile } from 'node:fs/promises';
import { run } from './command.ts';
import type { Host } from './network.ts';

/** What h2load is to do. */
export interface H2load {
  readonly url: string;
  /** HTTP/1, where `streams` is the depth of pipelining; else HTTP/2. */
  readonly http1: boolean;
  readonly connections: number;
  readonly streams: number;
  /** In all. */
  readonly requests: number;
  /** Of all connections together; without it as fast as it goes. */
  readonly perSecond?: number;
  /** Gets a line for each request. */
  readonly logFile?: string;
}

/**
 * Runs h2load inside `client` to its end, at which nothing is in flight; resolves to the requests per second.
 *
 * @throws Error unless every request was answered with 2xx.
 */
export async function h2load(client: Host, load: H2load, signal: AbortSignal): Promise<number> {
  const { url, http1, connections, streams, requests, perSecond, logFile } = load;
  // Connections that begin one after the other do not ask in bursts.
  const atOnce = Math.ceil(connections / 25_000);
  const rate =
    perSecond === undefined
      ? []
      : [`--rps=${perSecond / connections}`, `--rate=${atOnce}`, '--rate-period=1ms'];
  const log = logFile === undefined ? [] : [`--log-file=${logFile}`];
  const sizes = ['-t1', `-c${connections}`, `-m${streams}`, `-n${requests}`];
  // A shell's limit of files may be 1,024.
  const roomy = ['sh', '-c', `ulimit -n ${connections + 64} && exec "$@"`, 'sh'];
  const command = [...roomy, 'h2load', ...(http1 ? ['--h1'] : []), ...sizes, ...rate, ...log, url];
  const output = await run(...client.inside(command), signal);
  const served = /^status codes: (\d+) 2xx/m.exec(output)?.[1];
  const speed = /^finished in .*?, ([\d.]+) req\/s/m.exec(output)?.[1];
  if (Number(served) !== requests || speed === undefined)
    throw new Error(`not every request was answered:\n${output}`);
  return Number(speed);
}

/** Microseconds from request to end of response, ascending, of what h2load logged. */
export async function latenciesOf(logFile: string): Promise<number[]> {
  const lines = (await readFile(logFile, 'utf8')).trimEnd().split('\n');
  return lines.map((line) => Number(line.split('\t')[2])).toSorted((a, b) => a - b);
}
