import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { eventTypes } from '../../../../knative/events.ts';
import type { ExperimentRun } from '../../../../knative/resources/experiment-run.ts';
import type { Experiment } from '../../../../knative/resources/experiment.ts';
import { createEvaluate } from '../../../../functions/evaluate/function.ts';
import { createSqliteEvidenceStore } from '../../../../functions/evidence/sqlite-evidence-store.ts';
import type { CloverFunction } from '../../../../functions/host/function.ts';
import type { Clock } from '../../../../functions/lib/clock.ts';
import type { CloudEvent } from '../../../../functions/lib/cloud-event.ts';
import { createLocalStore } from '../../../../functions/resources/local-store.ts';
import type { ResourceStore } from '../../../../functions/resources/store.ts';
import { toCells, type Seen } from './cells.ts';
import { Killed, type Stores } from './killer.ts';
import { createNormal, createRandom } from './random.ts';
import { handle } from '../../host/helpers.ts';

/** How a version answers: seconds, or undefined for never. */
export type Answer = (draw: Draw) => { latency: number | undefined; error?: boolean };

/** What a request is drawn with. */
export interface Draw {
  readonly normal: () => number;
  readonly random: () => number;
  /** Intent under which the request was sent. */
  readonly fault: boolean;
  readonly block: number;
}

/** Settings of a {@link World}. */
export interface WorldOptions {
  readonly seed?: number;
  readonly perSecond?: number;
  readonly control?: Answer;
  readonly variant?: Answer;
  /** Where objects are; it stays open when the world ends. Default: a file of the world's own. */
  readonly resources?: ResourceStore;
  /** Of the objects. Default: `default`. */
  readonly namespace?: string;
  /** Wraps the stores of every new function, to break them. */
  readonly wrap?: (stores: Stores) => Stores;
}

/** Log-normal latency around 2 ms. */
export const healthy: Answer = ({ normal }) => ({ latency: 0.002 * Math.exp(0.4 * normal()) });

const start = 1_800_000_000_000;

/** A service with traffic, an agent that sees it, and the function under test; time is ours. */
export class World {
  now = start;
  readonly namespace: string;
  stores: Stores;
  evaluate: CloverFunction;
  /** Agents send nothing while this is set. */
  blind = false;
  perSecond: number;
  /** How far the agent's clock is ahead of ours, ms. */
  agentAhead = 0;
  private boots = 1;
  private readonly folder: string;
  private readonly options: WorldOptions;
  private readonly random: () => number;
  private readonly normal: () => number;
  private sequence = 0;

  private constructor(folder: string, options: WorldOptions) {
    this.folder = folder;
    this.options = options;
    this.namespace = options.namespace ?? 'default';
    this.perSecond = options.perSecond ?? 200;
    this.random = createRandom(options.seed ?? 1);
    this.normal = createNormal(this.random);
    this.stores = this.open();
    this.evaluate = this.boot();
  }

  /** A new world in a folder of its own, gone with the test. */
  static async create(t: ExecutionContext, options: WorldOptions = {}): Promise<World> {
    const folder = await mkdtemp(path.join(tmpdir(), 'clover-evaluate-'));
    const world = new World(folder, options);
    t.teardown(async () => {
      await world.close();
      await rm(folder, { recursive: true, force: true });
    });
    return world;
  }

  get clock(): Clock {
    return { now: () => this.now, sleep: async () => {} };
  }

  /** Ends the process and starts another on the same files. */
  async restart(): Promise<void> {
    await this.close();
    this.stores = this.open();
    this.evaluate = this.boot();
  }

  async applyPolicy(weights: Readonly<Record<string, number>> = { v1: 100, v2: 0 }): Promise<void> {
    await this.applyPolicyUnseen(weights);
    await this.tell('TrafficPolicy', 'proxy');
  }

  /** Its event is lost. */
  async applyPolicyUnseen(
    weights: Readonly<Record<string, number>> = { v1: 100, v2: 0 },
  ): Promise<void> {
    const names = Object.keys(weights);
    await this.stores.resources.applySpec(
      {
        kind: 'TrafficPolicy',
        metadata: { name: 'proxy', namespace: this.namespace },
        spec: {
          target: { host: '*', port: 80 },
          versions: names.map((name) => ({
            name,
            endpoints: [{ address: '198.18.0.1', port: 80 }],
          })),
          rules: [{ split: names.map((name) => ({ version: name, weight: weights[name] })) }],
        },
      },
      { manager: 'test' },
    );
  }

  async applyExperiment(spec: Readonly<Record<string, unknown>> = {}, name = 'exp'): Promise<void> {
    await this.applyExperimentUnseen(spec, name);
    await this.tell('Experiment', name);
  }

  /** Its event is lost. */
  async applyExperimentUnseen(
    spec: Readonly<Record<string, unknown>> = {},
    name = 'exp',
  ): Promise<void> {
    await this.stores.resources.applySpec(
      {
        kind: 'Experiment',
        metadata: { name, namespace: this.namespace },
        spec: {
          targetRef: { name: 'proxy' },
          control: 'v1',
          variant: 'v2',
          warmUp: '3s',
          deadline: '2m',
          metrics: [
            { type: 'latency', margin: 0.1 },
            { type: 'errors', margin: 0.1, floor: 0.01 },
          ],
          watchAfter: { duration: '5s' },
          ...spec,
        },
      },
      { manager: 'test' },
    );
  }

  async experiment(name = 'exp'): Promise<Experiment> {
    const found = await this.stores.resources.get('Experiment', this.namespace, name);
    if (found === undefined) throw new Error(`no experiment ${name}`);
    return found;
  }

  /** The newest run of an experiment. */
  async run(name = 'exp'): Promise<ExperimentRun> {
    const { items } = await this.stores.resources.list('ExperimentRun', this.namespace);
    const run = items.findLast((item) => item.spec.experiment.name === name);
    if (run === undefined) throw new Error(`no run of ${name}`);
    return run;
  }

  /** One second of traffic, the agent's report on it, and a tick. */
  async second(): Promise<void> {
    const requests = await this.traffic(Math.floor((this.now + this.agentAhead) / 1_000));
    this.now += 1_000;
    if (!this.blind) await this.report(requests);
    await this.tick();
  }

  /** Lets seconds pass until the experiment is complete, at most `limit`. */
  async untilComplete(limit = 180, name = 'exp'): Promise<ExperimentRun> {
    for (let passed = 0; passed < limit; passed += 1) {
      await this.second();
      const { conditions = [] } = (await this.experiment(name)).status;
      if (conditions.some(({ type, status }) => type === 'Complete' && status === 'True')) break;
    }
    return this.run(name);
  }

  /** The agent starts anew: another source, whose counters begin at zero. */
  restartAgent(): void {
    this.boots += 1;
    this.sequence = 0;
  }

  async tick(schedule = 'evaluate-look'): Promise<void> {
    const data = { schedule, at: this.now };
    await this.send(eventTypes.tick, '/scheduler', data);
  }

  async report(requests: readonly Seen[], resting = false): Promise<void> {
    this.sequence += 1;
    await this.send(eventTypes.evidence, `/nodes/n1/b${this.boots}`, {
      sequence: this.sequence,
      watermarkMs: this.now + this.agentAhead,
      openTimeoutMs: 10_000,
      resting,
      cells: toCells(requests, this.sequence),
    });
  }

  /** There is no traffic, and the agent says that it rests and is silent from now on. */
  async rest(): Promise<void> {
    this.perSecond = 0;
    this.blind = true;
    await this.report([], true);
  }

  /** Tells the function of a changed object. */
  async tell(kind: 'Experiment' | 'Tap' | 'TrafficPolicy', name: string): Promise<void> {
    await this.send(eventTypes.resourceUpdated, '/resources', {
      apiVersion: 'clover.dev/v1alpha1',
      kind,
      namespace: this.namespace,
      name,
      uid: 'u',
      resourceVersion: '1',
    });
  }

  async send(type: string, source: string, data: unknown): Promise<void> {
    const event: CloudEvent = {
      specversion: '1.0',
      id: `${type} ${this.now}`,
      source,
      type,
      extensions: {},
      data: Buffer.from(typeof data === 'string' ? data : JSON.stringify(data)),
    };
    await this.deliver(event);
  }

  /** At least once: a process that dies is started again and gets the same event. */
  async deliver(event: CloudEvent): Promise<void> {
    for (;;) {
      try {
        await handle(this.evaluate, event);
        return;
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
        this.evaluate = this.boot();
      }
    }
  }

  async close(): Promise<void> {
    await this.evaluate.close?.();
    if (this.options.resources === undefined) await this.stores.resources.close();
    await this.stores.evidence.close();
  }

  private open(): Stores {
    const at = (name: string): string => path.join(this.folder, name);
    return {
      resources:
        this.options.resources ?? createLocalStore({ path: at('resources.db'), clock: this.clock }),
      evidence: createSqliteEvidenceStore({ path: at('evidence.db') }),
    };
  }

  /** A new instance of the function on the open stores. */
  boot(wrap = this.options.wrap ?? ((stores: Stores) => stores)): CloverFunction {
    return createEvaluate({ ...wrap(this.stores), clock: this.clock });
  }

  private async traffic(block: number): Promise<Seen[]> {
    const { items } = await this.stores.resources.list('ExperimentRun', this.namespace);
    const run = items.find(
      ({ status }) => status.intent !== undefined && status.endedAt === undefined,
    );
    const intent = run?.status.intent;
    const { control = healthy, variant = healthy } = this.options;
    return Array.from({ length: this.perSecond }, () => {
      const share = (intent?.variantWeight ?? 0) / 100;
      const toVariant = this.random() < share;
      const fault = intent?.fault !== undefined;
      const draw = { normal: this.normal, random: this.random, fault, block };
      const answer = (toVariant ? variant : control)(draw);
      const stamp =
        run === undefined || intent === undefined
          ? { run: '-', epoch: 1, arm: 'v1' }
          : { run: run.metadata.name, epoch: intent.epoch, arm: toVariant ? 'variant' : 'control' };
      return { ...stamp, block, ...answer };
    });
  }
}
