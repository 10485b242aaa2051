import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { pino } from 'pino';
import { z } from 'zod';
import { createAgent, type Agent, type AgentDependencies } from '../../../agent/agent.ts';
import { parseAgentConfig } from '../../../agent/config.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import { startControlPlane, type ControlPlane } from './control-plane.ts';
import { createMemoryCapture, type MemoryCapture } from './memory-capture.ts';

/** The part of `/ledger` that tests look at. */
const ledgerView = z.object({
  unexplained: z.number(),
  spoolReadFailures: z.number(),
  ingestRefusal: z.string().optional(),
  sink: z.object({
    entered: z.object({ batches: z.number(), spans: z.number() }),
    accepted: z.object({ batches: z.number(), spans: z.number() }),
    rejected: z.object({ batches: z.number(), spans: z.number() }),
    pending: z.object({ batches: z.number(), spans: z.number() }),
    lost: z.record(z.string(), z.object({ batches: z.number(), spans: z.number() })),
  }),
  inherited: z.object({
    accepted: z.object({ batches: z.number(), spans: z.number() }),
    pending: z.object({ batches: z.number(), spans: z.number() }),
  }),
  pods: z.object({ known: z.number(), failed: z.number() }),
  attachments: z.object({
    unseen: z.array(z.object({ pod: z.string(), interface: z.string(), why: z.string() })),
  }),
});

/** What differs from an agent without sinks that is alone. */
export interface BedOptions {
  readonly limitBytes?: number;
  readonly sinks?: object;
  readonly handoverSocket?: string;
}

/** A folder, a control plane, and agents that are started on them. */
export interface Bed {
  readonly dir: string;
  readonly plane: ControlPlane;
  /** Interfaces that exist, by name. */
  readonly interfaces: Map<string, number>;
  writePods(content: string): Promise<void>;
  start(options?: BedOptions): Promise<{ agent: Agent; capture: MemoryCapture }>;
  /** An agent with another capture. */
  startWith(
    createCapture: AgentDependencies['createCapture'],
    options?: BedOptions,
  ): Promise<Agent>;
  ledger(agent: Agent): Promise<z.output<typeof ledgerView>>;
  spooled(): Promise<string[]>;
}

/** A bed for one test; everything is gone after it. */
export async function makeBed(t: ExecutionContext): Promise<Bed> {
  const dir = await mkdtemp(join(tmpdir(), 'clover-agent-'));
  const plane = await startControlPlane();
  const interfaces = new Map<string, number>();
  const podsFile = join(dir, 'pods.json');
  const spoolDir = join(dir, 'spool');
  t.teardown(async () => {
    await plane.down();
    await rm(dir, { recursive: true, force: true });
  });

  const writePods = async (content: string): Promise<void> => {
    await writeFile(`${podsFile}.new`, content);
    await rename(`${podsFile}.new`, podsFile);
  };
  await writePods('{"pods":[]}');

  const startWith: Bed['startWith'] = async (createCapture, options = {}) => {
    const { limitBytes = 1_000_000, ...more } = options;
    const config = parseAgentConfig(
      JSON.stringify({
        node: { uid: 'node-1', name: 'first' },
        podsFile,
        controlPlane: { url: plane.url, token: 'secret' },
        listen: { port: 0 },
        spool: { dir: spoolDir, limitBytes },
        logLevel: 'silent',
        ...more,
      }),
    );
    const agent = await createAgent(config, {
      createCapture,
      cgroupBytes: 0,
      ifindexOf: (name) => interfaces.get(name),
      linksOf: () => undefined,
      processes: { processesIn: () => [], lookInto: () => undefined },
      onOrphaned: () => undefined,
      clock: systemClock,
      random: Math.random,
      boot: randomBytes(8).toString('hex'),
      log: pino({ level: config.logLevel }),
    });
    t.teardown(() => agent.stop());
    return agent;
  };

  return {
    dir,
    plane,
    interfaces,
    writePods,
    startWith,
    async start(options) {
      const made: MemoryCapture[] = [];
      const agent = await startWith((needs) => {
        const capture = createMemoryCapture(needs);
        made.push(capture);
        return capture;
      }, options);
      const [capture] = made;
      if (capture === undefined) throw new Error('no capture was made');
      return { agent, capture };
    },
    async ledger(agent) {
      const answer = await fetch(`http://127.0.0.1:${agent.port}/ledger`);
      return ledgerView.parse(await answer.json());
    },
    async spooled() {
      return (await readdir(spoolDir)).filter((file) => file.endsWith('.spans'));
    },
  };
}

/** Resolves once `done` says so; fails the test after 20 s. */
export async function eventually(
  what: string,
  done: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await done())) {
    if (Date.now() > deadline) throw new Error(`did not happen: ${what}`);
    await systemClock.sleep(20);
  }
}
