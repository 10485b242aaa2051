import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packInputs, readInputs, unpackInputs, writeInputs } from './corpus.ts';
import { seeds } from './seeds.ts';

/** What a run of one target found. */
export interface FuzzResult {
  readonly target: string;
  /** Whether all inputs passed. */
  readonly ok: boolean;
  /** Inputs tried. */
  readonly runs: number;
  readonly seconds: number;
  /** Edges of the code that were reached. */
  readonly coverage: number;
  /** Seconds into the run at which an edge was reached for the last time that none had reached. */
  readonly lastNewCoverage: number;
  /** What libFuzzer said of an input that did not pass. */
  readonly report: string;
}

/** How one target is run. */
export interface FuzzOptions {
  readonly target: string;
  /** The program of the target. */
  readonly program: string;
  readonly seconds: number;
  /** Whether what was found goes into the corpus, without what adds nothing. */
  readonly keep: boolean;
  readonly signal: AbortSignal;
}

/** Where the corpora are: `<target>.tar.gz`. */
const corpora = 'test/fuzz/corpus';
/** Where inputs are that have not passed once: `<target>/<name>`. */
const regressions = 'test/fuzz/regressions';

/** One input may take so long, in seconds, and so much memory, in MiB, with the sanitizers' own. */
const limits = { seconds: 10, memory: 1_024 };
/** Longer inputs find little that shorter ones do not. */
const longest = 16_384;

const coverage = /^#(\d+)\s+\w+.*cov: (\d+)/u;

/** Runs a program to its end and gives its exit code. */
async function call(
  program: string,
  args: readonly string[],
  signal: AbortSignal,
  line: (text: string) => void,
): Promise<number | null> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    signal,
    env: { ...process.env, UBSAN_OPTIONS: 'print_stacktrace=1' },
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  for await (const text of createInterface({ input: child.stderr })) line(text);
  return ended;
}

/**
 * Tries the regressions, the corpus and what libFuzzer makes of them. An input that does not pass is kept among
 * the regressions.
 */
export async function fuzz(options: FuzzOptions): Promise<FuzzResult> {
  const { target, program, seconds, signal } = options;
  const folder = await mkdtemp(join(tmpdir(), `clover-fuzz-${target}-`));
  try {
    const corpus = join(folder, 'corpus');
    const kept = join(corpora, `${target}.tar.gz`);
    await writeInputs(corpus, (await seeds[target]?.()) ?? []);
    if (existsSync(kept)) await writeInputs(corpus, await unpackInputs(await readFile(kept)));
    const bad = join(regressions, target);
    await mkdir(bad, { recursive: true });
    const started = Date.now();
    let [runs, edges, last] = [0, 0, 0];
    const report: string[] = [];
    const code = await call(
      program,
      [
        `-max_total_time=${seconds}`,
        `-timeout=${limits.seconds}`,
        `-rss_limit_mb=${limits.memory}`,
        `-max_len=${longest}`,
        `-artifact_prefix=${bad}/`,
        corpus,
        bad,
      ],
      signal,
      (text) => {
        const [, tried, reached] = coverage.exec(text) ?? [];
        if (tried === undefined) {
          report.push(text);
          return;
        }
        runs = Number(tried);
        if (Number(reached) <= edges) return;
        edges = Number(reached);
        last = (Date.now() - started) / 1_000;
      },
    );
    if (options.keep && code === 0) {
      const small = join(folder, 'small');
      await mkdir(small);
      await call(program, ['-merge=1', `-max_len=${longest}`, small, corpus], signal, () => {});
      await mkdir(corpora, { recursive: true });
      await writeFile(kept, await packInputs(await readInputs(small)));
    }
    return {
      target,
      ok: code === 0,
      runs,
      seconds: (Date.now() - started) / 1_000,
      coverage: edges,
      lastNewCoverage: last,
      report: code === 0 ? '' : report.join('\n'),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
