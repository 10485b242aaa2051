import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { end, start } from './command.ts';

const causes = z.record(z.string(), z.number());
const count = z.object({ batches: z.number(), spans: z.number() });

/** The part of the agent's `/ledger` that the bench reads. */
const agentLedger = z.object({
  unexplained: z.number(),
  kernelCpuNs: z.number(),
  cpuMicros: z.object({ user: z.number(), system: z.number() }),
  maxRssBytes: z.number(),
  attachments: z.object({ points: z.array(z.object({ pod: z.string() })) }),
  capture: z.object({
    wire: z.object({
      segments: z.number(),
      payloadBytes: z.number(),
      unwanted: z.number(),
      lost: causes,
    }),
    bytes: z.object({ skipped: causes, lost: causes }),
    connections: z.object({ open: z.number() }),
    requests: z.object({ seen: z.number(), spans: z.number(), open: z.number(), lost: causes }),
  }),
  sink: z.object({ accepted: count, pending: count, lost: z.record(z.string(), count) }),
});

/** What the agent says about itself. */
export type AgentLedger = z.output<typeof agentLedger>;

/** The real agent as a child process. */
export interface AgentProcess {
  readonly pid: number;
  ledger(): Promise<AgentLedger>;
  stop(): Promise<void>;
}

/** What {@link startAgent} needs. */
export interface AgentProcessOptions {
  readonly dir: string;
  readonly controlPlaneUrl: string;
  /** Content of the pod directory. */
  readonly pods: readonly object[];
  /** Where its HTTP server listens. */
  readonly port: number;
  /** What starts it, up to its own arguments. Default: Node with its sources. */
  readonly command?: readonly string[];
  /** Settings of the capture. */
  readonly capture?: object;
}

/** Starts `agent/main.ts` and waits until it is ready. */
export async function startAgent(options: AgentProcessOptions): Promise<AgentProcess> {
  const { dir, controlPlaneUrl, pods, port, capture = {} } = options;
  const podsFile = join(dir, 'pods.json');
  const configFile = join(dir, 'agent.json');
  await writeFile(podsFile, JSON.stringify({ pods }));
  await writeFile(
    configFile,
    JSON.stringify({
      node: { uid: 'bench', name: 'bench' },
      podsFile,
      controlPlane: { url: controlPlaneUrl, token: 'bench' },
      listen: { port },
      spool: { dir: join(dir, 'spool') },
      capture,
      logLevel: 'warn',
    }),
  );
  const main = fileURLToPath(new URL('../../../agent/main.ts', import.meta.url));
  const [program = '', ...args] = options.command ?? [process.execPath, main];
  const child = start(program, [...args, '--config', configFile]);
  const url = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + 20_000;
  while (!(await isReady(url))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await end(child);
      throw new Error('the agent does not get ready');
    }
    await sleep(50);
  }
  return {
    pid: child.pid ?? 0,
    ledger: async () => agentLedger.parse(await (await fetch(`${url}/ledger`)).json()),
    stop: () => end(child),
  };
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health/ready`)).ok;
  } catch {
    return false;
  }
}
