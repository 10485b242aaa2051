import test, { type ExecutionContext } from 'ava';
import type { TierName } from './tiers.ts';
import { whyLeftOut } from './with-cluster.ts';

/** Declares tests that run one after the other; `skip`: where they are left out. */
export type ClusterTest = typeof test.serial | typeof test.serial.skip;

/** Tests of one file, and what they share. */
export interface SharedByFile<Shared> {
  readonly serial: ClusterTest;
  /** Resolves before the first of them runs. */
  readonly started: Promise<Shared>;
}

/** Declares tests that start a tier themselves; they are left out, and it is said why, where that cannot be had. */
export async function clusterTest(tier: TierName = 'api'): Promise<ClusterTest> {
  const why = await whyLeftOut(tier);
  if (why === undefined) return test.serial;
  process.stderr.write(`${why}\n`);
  return test.serial.skip;
}

/**
 * Declares tests that share what is started once, before the first of them, and taken down after the last.
 * @param start gets where to say how it is taken down: what is named last goes first.
 * @param needs the tier that it starts, and how long that may take, in ms.
 */
export async function sharedByFile<Shared>(
  start: (t: Pick<ExecutionContext, 'teardown'>) => Promise<Shared>,
  { tier, withinMs = 120_000 }: { readonly tier?: TierName; readonly withinMs?: number } = {},
): Promise<SharedByFile<Shared>> {
  const serial = await clusterTest(tier);
  const started = Promise.withResolvers<Shared>();
  const ends: (() => unknown)[] = [];
  if (serial === test.serial) {
    test.before('what all tests share is started', async (t) => {
      t.timeout(withinMs);
      started.resolve(await start({ teardown: (end) => ends.push(end) }));
    });
    test.after.always('it is taken down', async () => {
      for (const end of ends.toReversed()) await end();
    });
  }
  return { serial, started: started.promise };
}
