import test, { type ExecutionContext } from 'ava';
import { whyLeftOut } from './with-cluster.ts';

/** Declares tests that run one after the other; `skip`: where they are left out. */
export type ClusterTest = typeof test.serial | typeof test.serial.skip;

/** Tests of one file, and what they share. */
export interface SharedByFile<Shared> {
  readonly serial: ClusterTest;
  /** Resolves before the first of them runs. */
  readonly started: Promise<Shared>;
}

/** Declares tests that start a tier `api` themselves; they are left out, and it is said why, where that cannot be had. */
export async function clusterTest(): Promise<ClusterTest> {
  const why = await whyLeftOut();
  if (why === undefined) return test.serial;
  process.stderr.write(`${why}\n`);
  return test.serial.skip;
}

/**
 * Declares tests that share what is started once, before the first of them, and taken down after the last.
 * @param start gets where to say how it is taken down: what is named last goes first.
 */
export async function sharedByFile<Shared>(
  start: (t: Pick<ExecutionContext, 'teardown'>) => Promise<Shared>,
): Promise<SharedByFile<Shared>> {
  const serial = await clusterTest();
  const started = Promise.withResolvers<Shared>();
  const ends: (() => unknown)[] = [];
  if (serial === test.serial) {
    test.before('what all tests share is started', async (t) => {
      t.timeout(120_000);
      started.resolve(await start({ teardown: (end) => ends.push(end) }));
    });
    test.after.always('it is taken down', async () => {
      for (const end of ends.toReversed()) await end();
    });
  }
  return { serial, started: started.promise };
}
