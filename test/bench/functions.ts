import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from '../../infra/images/bundle.ts';
import { hello, sources } from '../../infra/images/main.ts';
import { podOfNowhere } from '../../infra/images/nowhere.ts';
import type { Figures } from './lib/bench.ts';
import { emptyProcessMs, startEventServer, type EventProgram } from './lib/event-server.ts';
import { median } from './lib/median.ts';

/** Odd. */
const starts = 11;

/**
 * Every function as its image runs it, in a cluster that does not answer: milliseconds to the first answer, resident memory
 * then, and KiB of its bundle. `node` is a process that does nothing. They take turns.
 */
export async function benchFunctions(
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<Figures> {
  const folder = await mkdtemp(join(tmpdir(), 'clover-bench-'));
  try {
    const pod = await podOfNowhere(folder);
    const bundleKiB: Record<string, number> = {};
    const programs: EventProgram[] = [];
    for (const source of sources) {
      const { args, env, bytes } = await bundle(source, join(folder, source.name));
      bundleKiB[source.name] = Math.round(bytes / 1_024);
      const program = { name: source.name, args, env: { ...pod, ...env, LOG_LEVEL: 'warn' } };
      programs.push(source === hello ? program : { ...program, refuses: true });
    }
    const readyMs = new Map<string, number[]>([['node', []]]);
    const rssMiB = new Map<string, number[]>();
    for (let start = 1; start <= starts; start += 1) {
      readyMs.get('node')?.push(await emptyProcessMs());
      for (const program of programs) {
        signal.throwIfAborted();
        const server = await startEventServer(program);
        readyMs.set(program.name, [...(readyMs.get(program.name) ?? []), server.readyMs]);
        rssMiB.set(program.name, [...(rssMiB.get(program.name) ?? []), await server.rssMiB()]);
        await server.stop();
      }
      progress(`start ${start}/${starts}`);
    }
    return {
      bundleKiB,
      readyMs: each(readyMs, median),
      fastestMs: each(readyMs, (values) => Math.min(...values)),
      rssMiB: each(rssMiB, median),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function each(
  samples: ReadonlyMap<string, readonly number[]>,
  figure: (values: readonly number[]) => number,
): Readonly<Record<string, number>> {
  return Object.fromEntries([...samples].map(([name, values]) => [name, figure(values)]));
}
