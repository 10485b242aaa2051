import { attach, type Bed } from '../lib/bed.ts';
import { run } from '../lib/command.ts';
import type { Nginx } from '../lib/nginx.ts';
import { mean } from '../lib/mean.ts';
import { addUp, counted, type Run } from './run.ts';

const rounds = 4;
const runSeconds = 3;

/** wrk at full speed, untraced and traced at the veth in turns; the traced runs are added up. */
export async function atFullSpeed(
  bed: Bed,
  nginx: Nginx,
  progress: (line: string) => void,
): Promise<{ run: Run; baseline: number }> {
  await wrk(bed, nginx, 1);
  const baselines: number[] = [];
  const runs: Run[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    await attach(bed);
    const baseline = await wrk(bed, nginx);
    await attach(bed, 'veth');
    const one = await counted(bed, nginx, () => wrk(bed, nginx));
    baselines.push(baseline);
    runs.push(one);
    progress(
      `round ${round}/${rounds}: ${baseline.toFixed(0)} requests/s untraced, ${one.result.toFixed(0)} traced, ${one.seen} of ${one.served} seen`,
    );
  }
  return { run: addUp(runs), baseline: mean(baselines) };
}

/** Requests per second. */
export async function wrk(
  { network, signal }: Bed,
  nginx: Nginx,
  seconds = runSeconds,
): Promise<number> {
  const url = `http://${network.server.address}:${nginx.port}/`;
  const command = ['wrk', '-t1', '-c32', `-d${seconds}s`, url];
  const output = await run(...network.client.inside(command), signal);
  if (/Non-2xx|Socket errors/.test(output)) throw new Error(`wrk had errors:\n${output}`);
  const rate = /^Requests\/sec:\s+([\d.]+)/m.exec(output)?.[1];
  if (rate === undefined) throw new Error(`wrk said nothing of its rate:\n${output}`);
  return Number(rate);
}
