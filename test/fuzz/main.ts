import { parseArgs } from 'node:util';
import { buildFuzzers } from './build.ts';
import { fuzz } from './run.ts';
import { seeds } from './seeds.ts';

const targets = Object.keys(seeds);
const usage = [
  'usage: npm run fuzz -- [TARGET]... [--seconds N] [--keep] [--json]',
  `  TARGET     ${targets.join(', ')}; default: all, one after the other`,
  '  --seconds  of each target; default: 10',
  '  --keep     what was found goes into the corpus',
].join('\n');

/** Targets with a program of their own. */
const programs: ReadonlyMap<string, string> = new Map([
  ['file', 'file'],
  ['program', 'program'],
  ['state', 'state'],
]);

/** Where objects and programs are kept between runs. */
const folder = '.cache/fuzz';

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      seconds: { type: 'string', default: '10' },
      keep: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  const seconds = Number(values.seconds);
  const unknown = positionals.find((name) => !targets.includes(name));
  if (unknown !== undefined || !Number.isInteger(seconds) || seconds < 1) {
    process.stderr.write(`${usage}\n`);
    process.exitCode = 2;
    return;
  }
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      process.exitCode = 130;
      abort.abort(new Error(`stopped by ${signal}`));
    });
  }
  const programOf = await buildFuzzers(folder, say);
  for (const target of positionals.length > 0 ? positionals : targets) {
    const program = programOf(programs.get(target) ?? 'conversation');
    const result = await fuzz({
      target,
      program,
      seconds,
      keep: values.keep,
      signal: abort.signal,
    });
    const { report, ...figures } = result;
    if (!result.ok) {
      process.exitCode = 1;
      say(report);
    }
    process.stdout.write(
      values.json
        ? `${JSON.stringify(figures)}\n`
        : `${result.ok ? 'passed' : 'FAILED'}  ${target.padEnd(10)} ${result.runs} inputs in ${result.seconds.toFixed(0)} s, ` +
            `${result.coverage} edges, the last new one after ${result.lastNewCoverage.toFixed(0)} s\n`,
    );
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`fuzz: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode ??= 1;
});
