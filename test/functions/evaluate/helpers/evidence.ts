import { experimentSpec, type ExperimentSpec } from '../../../../knative/resources/experiment.ts';
import type { BlockCell } from '../../../../functions/evidence/evidence-store.ts';
import type { JudgeInput } from '../../../../functions/evaluate/judge.ts';
import { toRfc3339 } from '../../../../functions/lib/rfc3339.ts';
import type { Seen } from './cells.ts';
import { createNormal, createRandom } from './random.ts';

/** A plan with a margin of 10 % on latency and errors. */
export const planOf = (more: Readonly<Record<string, unknown>> = {}): ExperimentSpec =>
  experimentSpec.parse({
    targetRef: { name: 'proxy' },
    control: 'v1',
    variant: 'v2',
    deadline: '2m',
    metrics: [
      { type: 'latency', margin: 0.1 },
      { type: 'errors', margin: 0.1, floor: 0.01 },
    ],
    ...more,
  });

/** What traffic looks like. */
export interface Shape {
  readonly seed?: number;
  readonly perSecond?: number;
  readonly seconds?: number;
  /** Second of the first request. */
  readonly from?: number;
  /** Stuck requests carry no stamp. */
  readonly unnamed?: boolean;
  /** Variant over control, as a factor. */
  readonly factor?: number;
  readonly share?: number;
  readonly epoch?: number;
  /** Extra requests per second whose arm is not known. */
  readonly unstamped?: number;
  readonly stuckVariant?: number;
  readonly errors?: readonly [number, number];
  /** Level of both arms at a second, in log units. */
  readonly drift?: (second: number) => number;
}

const unknown = { run: '', epoch: 0, arm: '' };

/** Requests of a run `r` from second 1,000 on. */
export function requests(shape: Shape): Seen[] {
  const { seed = 1, perSecond = 200, seconds = 10, factor = 1, share = 0.5, epoch = 1 } = shape;
  const random = createRandom(seed);
  const normal = createNormal(random);
  const seen: Seen[] = [];
  for (let second = 0; second < seconds; second += 1) {
    const block = (shape.from ?? 1_000) + second;
    const level = 0.002 * Math.exp(shape.drift?.(second) ?? 0);
    const draw = (): number => level * Math.exp(0.4 * normal());
    for (let unit = 0; unit < perSecond; unit += 1) {
      const variant = random() < share;
      const arm = variant ? 'variant' : 'control';
      const error = random() < (shape.errors?.[variant ? 1 : 0] ?? 0);
      const stuck = variant && random() < (shape.stuckVariant ?? 0);
      const latency = stuck ? undefined : draw() * (variant ? factor : 1);
      const stamp = stuck && shape.unnamed ? unknown : { run: 'r', epoch, arm };
      seen.push({ ...stamp, block, latency, error: error && !stuck });
    }
    for (let unit = 0; unit < (shape.unstamped ?? 0); unit += 1) {
      seen.push({ ...unknown, block, latency: draw() });
    }
  }
  return seen;
}

/** All of the cells, judged at the end of their last second. */
export function inputOf(cells: readonly BlockCell[], more: Partial<JudgeInput> = {}): JudgeInput {
  const last = Math.max(...cells.map(({ block }) => block));
  const end = (last + 1) * 1_000;
  return {
    run: 'r',
    plan: planOf(),
    intents: [{ epoch: 1, variantWeight: 50, at: toRfc3339(999_000) }],
    startedAt: 999_000,
    judgedFrom: 1_001_000,
    cells,
    watermark: end,
    openTimeoutMs: 10_000,
    now: end,
    heardAt: undefined,
    listeningSince: 999_000,
    ...more,
  };
}
