import type { CliEnv } from '../env.ts';
import { coloured, type Tone } from '../output/colour.ts';
import { writeLines } from '../output/print.ts';
import type { Outcome } from './apply-objects.ts';
import { titleOf } from './collections.ts';

const tones: Readonly<Record<Outcome['change'], Tone | undefined>> = {
  configured: 'doubtful',
  created: 'good',
  deleted: 'bad',
  kept: undefined,
  unchanged: undefined,
};

/** An outcome as kubectl tells it: `deployment.apps/control-plane created`. */
export function outcomeLine({ place, change, why }: Outcome, env: CliEnv, dryRun: boolean): string {
  const tone = tones[change];
  const word = env.colour && tone !== undefined ? coloured(change, tone) : change;
  const reason = why === undefined ? '' : `: ${why}`;
  return `${titleOf(place)} ${word}${dryRun ? ' (dry run)' : ''}${reason}`;
}

/** Writes each outcome as a line; nothing where output is for programs. */
export function outcomeTeller(
  env: CliEnv,
  { isText, dryRun }: { readonly isText: boolean; readonly dryRun: boolean },
): (outcome: Outcome) => void {
  return (outcome) => {
    if (isText) writeLines(env, [outcomeLine(outcome, env, dryRun)]);
  };
}

/** Outcomes as JSON output has them. */
export function outcomeDocuments(outcomes: readonly Outcome[]): readonly object[] {
  return outcomes.map(({ place, change, why }) => {
    const { apiVersion, kind, namespace, name } = place;
    return {
      apiVersion,
      kind,
      ...(namespace !== undefined && { namespace }),
      name,
      change,
      ...(why !== undefined && { why }),
    };
  });
}
