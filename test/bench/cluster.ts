import { startStage } from '../cluster/installation/stage.ts';
import { whyLeftOut } from '../cluster/with-cluster.ts';
import { measureColdStarts } from './cluster/cold-starts.ts';
import { measureIngest } from './cluster/ingest-ways.ts';
import { measureMemory } from './cluster/pod-memory.ts';
import type { Bench } from './lib/bench.ts';

/**
 * Clover by `cloverctl install` on a Kubernetes with Knative of its own, and a ClickHouse beside it: `coldStartMs` by function, from the
 * request that finds no pod to its answer, and `coldStartRatio` of each to the smallest possible function; events and spans per
 * second through the Broker and past it; memory of each pod of the installation, idle and while something is traced.
 * @throws Error that says what the machine lacks.
 */
export const benchCluster: Bench = async (progress, signal) => {
  const why = await whyLeftOut('knative');
  if (why !== undefined) throw new Error(why);
  await using cleanUp = new AsyncDisposableStack();
  const ends: (() => unknown)[] = [];
  cleanUp.defer(async () => {
    for (const end of ends.toReversed()) await end();
  });
  progress('starting a cluster');
  const stage = await startStage(ends);
  signal.throwIfAborted();
  progress('installing Clover');
  // A tick would wake a function in the middle of another one's start.
  const without = ['--set', 'schedules=[]', '--timeout', '9m'];
  const installed = await stage.cloverctl('install', '-f', stage.settings, ...without);
  if (installed.code !== 0) throw new Error(`${installed.stdout}\n${installed.stderr}`);
  return {
    ...(await measureColdStarts(stage, progress, signal)),
    ...(await measureMemory(stage, progress, signal)),
    // It comes last: its spans are of no pod that is here.
    ...(await measureIngest(stage, progress, signal)),
  };
};
