import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { catalogue } from '../../../knative/catalogue.ts';
import { shop, tapOf } from '../../cluster/installation/objects.ts';
import { startPod } from '../../cluster/installation/pods.ts';
import { cloverNamespace } from '../../cluster/installation/prepare.ts';
import { apply, ledgerWhen, podsWhen, type Stage } from '../../cluster/installation/stage.ts';
import type { Figures } from '../lib/bench.ts';

/** A minute: what a process allocates when it starts is given back by then. */
const restMs = 60_000;

// https://github.com/kubernetes/kubelet/blob/v0.37.0/pkg/apis/stats/v1alpha1/types.go
const summary = z.object({
  pods: z.array(
    z.object({
      podRef: z.object({ name: z.string(), namespace: z.string() }),
      containers: z.array(
        z.object({
          name: z.string(),
          memory: z.object({ time: z.string(), workingSetBytes: z.int(), rssBytes: z.int() }),
        }),
      ),
    }),
  ),
});

/**
 * Memory of each container in the namespace of Clover, MiB, as the kubelet tells it: the working set, by which it evicts, and what is
 * resident and of no file. First with no Tap and no run; then with one Tap of two pods that say nothing to each other.
 */
export async function measureMemory(
  stage: Stage,
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<Figures> {
  progress('memory: until every function is at zero, and a minute more');
  await podsWhen(stage, (running) => catalogue.every(({ name }) => running(name) === 0));
  const idle = await atRest(stage, signal);
  progress('memory: with a Tap');
  await apply(stage, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: shop } });
  for (const name of ['web', 'client']) await startPod(stage.tier, shop, name);
  await apply(stage, tapOf(shop));
  await ledgerWhen(stage, ({ attachments }) => attachments.attached === 2);
  await podsWhen(stage, (running) => running('ingest') === 1 && running('evaluate') === 1);
  // Agents report for half a minute before they rest, and evaluate with them.
  await podsWhen(stage, (running) => running('evaluate') === 0);
  const tapped = await atRest(stage, signal);
  await stage.tier.kubectl(['delete', 'namespace', shop]);
  return {
    idleWorkingSetMiB: idle.workingSet,
    idleRssMiB: idle.rss,
    tappedWorkingSetMiB: tapped.workingSet,
    tappedRssMiB: tapped.rss,
  };
}

interface Memory {
  readonly workingSet: Readonly<Record<string, number>>;
  readonly rss: Readonly<Record<string, number>>;
}

/** Memory once things have been as they are for a while. */
async function atRest({ tier, client }: Stage, signal: AbortSignal): Promise<Memory> {
  await sleep(restMs, undefined, { signal });
  const since = Date.now();
  const path = `/api/v1/nodes/${tier.nodeName}/proxy/stats/summary`;
  for (;;) {
    const { pods } = summary.parse(await client.call({ method: 'GET', path }));
    const containers = pods
      .filter(({ podRef }) => podRef.namespace === cloverNamespace)
      .flatMap(({ podRef, containers: all }) => all.map((one) => ({ ...one, pod: podRef.name })));
    // The kubelet looks at each by itself, every ten seconds or so.
    if (containers.every(({ memory }) => Date.parse(memory.time) >= since)) {
      const by = (figure: (memory: { workingSetBytes: number; rssBytes: number }) => number) =>
        Object.fromEntries(
          containers.map(({ pod, name, memory }) => [`${pod}/${name}`, mib(figure(memory))]),
        );
      return {
        workingSet: by(({ workingSetBytes }) => workingSetBytes),
        rss: by(({ rssBytes }) => rssBytes),
      };
    }
    await sleep(1_000, undefined, { signal });
  }
}

const mib = (bytes: number): number => Math.round((bytes / 2 ** 20) * 10) / 10;
