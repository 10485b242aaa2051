import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { z } from 'zod';
import { findRuns, type FoundRun } from '../../../cloverctl/supervisor/run-record.ts';

const share = z.object({ control: z.number(), variant: z.number() });

/** What the issue promises of the demo's JSON document. */
const document = z.object({
  ok: z.boolean(),
  experiments: z.array(
    z.object({
      name: z.string(),
      verdict: z.string().nullable(),
      phase: z.string(),
      samples: share,
      effect: z.object({ estimate: z.number(), low: z.number(), high: z.number() }).nullable(),
      faultToVerdictSeconds: z.number().nullable(),
      verdictToLastBadRequestSeconds: z.number().nullable(),
    }),
  ),
  ledger: z.object({
    versions: z.array(
      z.looseObject({
        version: z.string(),
        sent: z.number(),
        proxied: z.number(),
        seen: z.number(),
        stored: z.number(),
        judged: z.number(),
      }),
    ),
    unexplained: z.number(),
  }),
});

/** A demo in a process of its own. */
export interface RunningDemo {
  readonly pid: number;
  /** Resolves with the first line of output that has this text. */
  line(text: string): Promise<string>;
  /** What the demo has made, from its own record. */
  record(): FoundRun | undefined;
  readonly ended: Promise<{ readonly code: number | null; readonly lines: readonly string[] }>;
}

const program = fileURLToPath(new URL('../../../cloverctl/main.ts', import.meta.url));

/** Starts `cloverctl demo --json`; a failed test shows everything that it printed. */
export function startDemo(t: ExecutionContext): RunningDemo {
  const child = spawn(process.execPath, [program, 'demo', '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const waiting = new Set<(line: string) => void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      t.log(line);
      for (const hear of waiting) hear(line);
    });
  }
  const pid = child.pid ?? 0;
  const exit = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
  });
  t.teardown(async () => {
    child.kill('SIGTERM');
    await exit;
  });
  return {
    pid,
    line: (text) =>
      new Promise((resolve, reject) => {
        const hear = (line: string): void => {
          if (line.includes(text)) resolve(line);
        };
        waiting.add(hear);
        lines.forEach(hear);
        void exit.then(() => reject(new Error(`the demo ended without "${text}"`)));
      }),
    record: () => findRuns().find(({ owner }) => owner.pid === pid),
    ended: exit.then(() => ({ code: child.exitCode, lines })),
  };
}

/** The demo's document: its last line. */
export function documentOf(lines: readonly string[]): z.output<typeof document> {
  return document.parse(JSON.parse(lines.findLast((line) => line.startsWith('{')) ?? 'null'));
}

/** Asserts both verdicts, the times that are promised, and a closed ledger. */
export function assertRight(t: ExecutionContext, lines: readonly string[]): void {
  const { ok, experiments, ledger } = documentOf(lines);
  t.true(ok);
  t.deepEqual(
    experiments.map(({ name, verdict, phase }) => [name, verdict, phase]),
    [
      ['shift', 'PASS', 'Succeeded'],
      ['drill', 'FAIL', 'RolledBack'],
    ],
  );
  t.is(ledger.unexplained, 0);
  t.deepEqual(
    ledger.versions.map(({ version }) => version),
    ['v1', 'v2', 'v3'],
  );
  for (const row of ledger.versions) {
    t.true(row.judged > 0);
    t.deepEqual([row.proxied, row.seen, row.stored], [row.sent, row.sent, row.sent]);
  }
}

const present = (folder: string, names: readonly string[]): string[] =>
  readdirSync(folder).filter((name) => names.includes(name));

/** Asserts that nothing of a run is left on the machine. */
export function assertGone(t: ExecutionContext, run: FoundRun): void {
  t.deepEqual(existsSync(run.path) ? readdirSync(run.path, { recursive: true }) : [], []);
  t.false(existsSync(run.path));
  t.deepEqual(present('/sys/class/net', run.record.links), []);
  t.deepEqual(present('/run/netns', run.record.namespaces), []);
}
