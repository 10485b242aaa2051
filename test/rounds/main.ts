import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runRounds } from './rounds.ts';

const usage = 'usage: npm run rounds -- sigterm|sigkill [--rounds N] [--json]';
const signals = new Map([
  ['sigterm', 'SIGTERM'],
  ['sigkill', 'SIGKILL'],
] as const);

const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string' }, json: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const [name = ''] = positionals;
const signal = [...signals].find(([key]) => key === name)?.[1];
const rounds = Number(values.rounds ?? (signal === 'SIGTERM' ? 1_000 : 500));
if (signal === undefined || !Number.isInteger(rounds) || rounds < 1) {
  process.stderr.write(`${usage}\n`);
  process.exitCode = 2;
} else {
  const folder = await mkdtemp(join(tmpdir(), 'clover-rounds-'));
  try {
    const figures = await runRounds({
      rounds,
      signal,
      folder,
      progress: (round) => {
        if (round % 50 === 0) process.stderr.write(`${round} of ${rounds} rounds\n`);
      },
    });
    const bad = figures.failed + figures.lost + figures.twice + figures.handledUnaccepted;
    if (bad + figures.badEnds > 0) process.exitCode = 1;
    process.stdout.write(`${JSON.stringify(figures, null, values.json ? 0 : 2)}\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
