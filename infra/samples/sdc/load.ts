import { createInterface } from 'node:readline';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { CloverError } from '../../../functions/lib/errors.ts';
import type { Supervisor } from '../../../cloverctl/supervisor/processes.ts';
import { loadReport, type LoadPlan, type LoadReport } from './load-report.ts';

/** A running load. */
export interface Load {
  /** The newest report; undefined during the first second. */
  latest(): LoadReport | undefined;
  /** Resolves with the exact last report when the load has ended, by itself or by `stop`. */
  readonly finished: Promise<LoadReport>;
  /** Sends nothing more, waits for the open requests, and gives the exact last report. */
  stop(): Promise<LoadReport>;
}

/** Where a load runs and who hears of it. */
export interface LoadOptions {
  readonly supervisor: Supervisor;
  /** Network namespace of the client; absent means this one. */
  readonly namespace?: string;
  readonly plan: LoadPlan;
  readonly onReport?: (report: LoadReport) => void;
  /** Name of the process. Default `load`. */
  readonly name?: string;
}

/** Starts a load in a process of its own. */
export async function startLoad(options: LoadOptions): Promise<Load> {
  const name = options.name ?? 'load';
  const child = await options.supervisor.start({
    name,
    command: process.execPath,
    args: [fileURLToPath(new URL('load-main.ts', import.meta.url)), JSON.stringify(options.plan)],
    ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
    stdin: true,
    stdout: true,
    graceMs: 40_000,
  });
  if (child.stdout === null) throw new CloverError('CLV_INTERNAL', 'the load has no output');
  let latest: LoadReport | undefined;
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    latest = loadReport.parse(JSON.parse(line));
    options.onReport?.(latest);
  });
  const read = new Promise<void>((resolve) => {
    lines.once('close', resolve);
  });
  const finish = async (): Promise<LoadReport> => {
    const [exit] = await Promise.all([child.exited, read]);
    if (latest?.final === true) return latest;
    const said = options.supervisor.tail(name);
    throw new CloverError(
      'CLV_INTERNAL',
      `the load ended early (${exit.code ?? exit.signal}):\n${said}`,
    );
  };
  const finished = finish();
  // Whoever does not wait for the end is not to be ended by it.
  finished.catch(() => undefined);
  return {
    latest: () => latest,
    finished,
    async stop() {
      child.stdin?.end();
      return finished;
    },
  };
}
