import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import {
  loadReport,
  type LoadPlan,
  type LoadReport,
} from '../../../infra/samples/sdc/load-report.ts';
import { cgroupRoot, inCgroup } from '../../native/capture/cgroup.ts';
import { writeImage } from '../image.ts';
import { builtTier } from '../tiers.ts';
import type { NodeTier } from '../tiers/node.ts';

/** A pod that runs. */
export interface RunningPod {
  readonly name: string;
  readonly address: string;
  /** Of a process in it. */
  readonly pid: number;
}

/** A load that a pod sends. */
export interface PodLoad {
  /** Sends nothing more, and gives the last, exact report. */
  stop(): Promise<LoadReport>;
  /** Resolves with that when the load has ended by its plan. */
  readonly ended: Promise<LoadReport>;
}

const image = 'dev.local/echo:1';
const port = 8_080;
const loadProgram = fileURLToPath(
  new URL('../../../infra/samples/sdc/load-main.ts', import.meta.url),
);
const relayProgram = fileURLToPath(new URL('relay-main.ts', import.meta.url));
const status = z.object({
  status: z.object({
    podIP: z.string(),
    containerStatuses: z.array(z.object({ containerID: z.string() })).min(1),
  }),
});

/** Puts the image of the program on the node that {@link startPod} runs. */
export async function importEcho(tier: NodeTier): Promise<void> {
  const programs = await builtTier('node');
  const file = join(tier.folder, 'echo.tar');
  await writeImage({ name: image, program: programs?.['echo'] ?? '' }, file);
  await tier.importImage(file);
}

/**
 * Starts a pod that answers every request at port 8080; resolves when it is Ready.
 * @param labels beside its name.
 */
export async function startPod(
  tier: NodeTier,
  namespace: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<RunningPod> {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { 'app.kubernetes.io/name': name, ...labels } },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: 'echo',
          image,
          args: ['serve', `:${port}`],
          readinessProbe: { tcpSocket: { port }, periodSeconds: 1 },
        },
      ],
    },
  };
  const own = ['-n', namespace, `pod/${name}`];
  await tier.kubectl(
    ['apply', '--server-side', '--validate=false', '-f', '-'],
    JSON.stringify(pod),
  );
  await tier.kubectl(['wait', '--for=condition=Ready', '--timeout=180s', ...own]);
  const found = status.parse(JSON.parse(await tier.kubectl(['get', '-o', 'json', ...own])));
  const { podIP: address, containerStatuses } = found.status;
  return { name, address, pid: await tier.pidOf(containerStatuses[0]?.containerID ?? '') };
}

/** Starts a program of ours as one of a pod: in its network, and in its cgroup, which is where an agent looks. */
function runIn(
  { pid }: RunningPod,
  program: string,
  ...args: readonly string[]
): ChildProcessByStdio<Writable, Readable, null> {
  const cgroup = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '/';
  const enter = ['nsenter', `--net=/proc/${pid}/ns/net`, process.execPath, program];
  return spawn('sh', ['-c', inCgroup(join(cgroupRoot(), cgroup)), 'sh', ...enter, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}

/** Sends requests from one pod to another, as a process of the first one. */
export function sendFrom(
  from: RunningPod,
  plan: Omit<LoadPlan, 'port'> & { readonly port?: number },
): PodLoad {
  const whole: LoadPlan = { port, ...plan };
  const child = runIn(from, loadProgram, JSON.stringify(whole));
  const ended = lastReport(child);
  // Whoever does not wait for the end is not to be ended by it.
  ended.catch(() => undefined);
  return {
    ended,
    stop: () => {
      child.stdin.end();
      return ended;
    },
  };
}

/**
 * Makes a pod a gateway: a process in it sends requests to the port on, and gives back what is answered.
 * Resolves when it listens, with what ends it.
 */
export async function relayIn(pod: RunningPod, at: number, target: string): Promise<() => void> {
  const child = runIn(pod, relayProgram, String(at), target);
  const first = await createInterface(child.stdout)[Symbol.asyncIterator]().next();
  if (first.done === true) throw new Error('the gateway does not listen');
  return () => {
    child.stdin.end();
  };
}

async function lastReport({
  stdout,
}: ChildProcessByStdio<Writable, Readable, null>): Promise<LoadReport> {
  let last: LoadReport | undefined;
  for await (const line of createInterface(stdout)) last = loadReport.parse(JSON.parse(line));
  if (last?.final !== true) throw new Error('the load ended early');
  return last;
}
