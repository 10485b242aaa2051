import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Telemetry } from '../host/telemetry.ts';
import type { EnvoyAdmin } from '../mesh/envoy/admin.ts';
import type { Gateway } from '../mesh/envoy/gateway.ts';
import { renderEnvoy } from '../mesh/envoy/renderer.ts';
import type { KubeClient } from '../resources/kubernetes/client.ts';
import { followCluster } from './collections.ts';
import { createDataPlane } from './data-plane.ts';
import { watchEnvoys } from './envoys.ts';
import { createHoldBack } from './hold-back.ts';
import { classOf, keyOf, type Ingress } from './ingress-object.ts';
import { createProber } from './probe.ts';
import { createProofs } from './proofs.ts';
import { createStatusWriter } from './status-writer.ts';
import { statusOf, type LoadBalancers } from './status.ts';
import { translate, type IngressPorts, type Outcome } from './translate.ts';

/** Options of {@link startController}. */
export interface ControllerOptions {
  readonly client: KubeClient;
  readonly gateway: Gateway;
  readonly admin: Pick<EnvoyAdmin, 'drain'>;
  /** Which Ingresses are this network layer's. */
  readonly ingressClass: string;
  readonly ports: IngressPorts;
  /** The Service of the external port, as `<namespace>/<name>`. */
  readonly service: string;
  readonly podAddress?: string;
  readonly loadBalancers: LoadBalancers;
  readonly clock: Clock;
  /** Milliseconds of a clock that nobody sets. */
  readonly monotonicMs: () => number;
  readonly log: Log;
  readonly telemetry: Pick<Telemetry, 'count' | 'observe'>;
  /** The controller cannot go on. */
  readonly onFatal: (error: unknown) => void;
}

/** A controller that runs. */
export interface Controller {
  /** Ends; what Envoy has stays. */
  stop(): Promise<void>;
}

/** Between attempts at what is not as it should be. */
const retryMs = [20, 50, 100, 250, 500, 1_000, 2_000] as const;

/** Keeps one Envoy at what Ingresses say, and their statuses at what Envoys have. */
export function startController(options: ControllerOptions): Controller {
  const { client, gateway, clock, log, telemetry, ports } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  let wake = Promise.withResolvers<void>();
  const onChange = (): void => wake.resolve();

  const cluster = followCluster({ client, signal, log, onChange, onFatal: options.onFatal });
  const prober = createProber();
  const proofs = createProofs(prober);
  const envoys = watchEnvoys({
    prober,
    directory: cluster,
    ports,
    service: options.service,
    ...(options.podAddress !== undefined && { podAddress: options.podAddress }),
    clock,
    signal,
    onChange: (isUp) => {
      log.info({ isUp }, isUp ? 'Envoy takes requests' : 'Envoy takes no requests');
      proofs.forget();
      onChange();
    },
  });
  const holdBack = createHoldBack(options.monotonicMs);
  const dataPlane = createDataPlane({
    gateway,
    log,
    onWrite: (state) => telemetry.count('clover.ingress.writes', 1, { state }),
  });
  const writeStatus = createStatusWriter({ client, log, telemetry });
  let isDraining = false;
  let states: Readonly<Record<string, number>> = {};
  telemetry.observe('clover.ingress.objects', async () =>
    Object.entries(states).map(([state, value]) => ({ value, attributes: { state } })),
  );
  telemetry.observe('clover.ingress.envoy.up', async () => [{ value: envoys.isUp() ? 1 : 0 }]);

  /** @returns what is left to do: to be tried again, or after a while. */
  const reconcile = async (): Promise<{ readonly isDone: boolean; readonly againMs?: number }> => {
    if (!isDraining && envoys.isEnding()) {
      isDraining = await options.admin.drain();
      log.info({ isDraining }, 'this pod ends: clients are asked to connect anew');
    }
    const own = cluster
      .ingresses()
      .filter(({ metadata }) => classOf(metadata) === options.ingressClass)
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const held = holdBack(own, cluster);
    const { form, outcomes } = translate(held.rendered, cluster, ports);
    const progress = await dataPlane.bring(renderEnvoy(form, gateway.xdsDir));
    const addresses = envoys.addresses();
    await proofs.ask(outcomes, addresses);

    const byKey = new Map(outcomes.map((outcome) => [outcome.key, outcome]));
    const counts: Record<string, number> = { ready: 0, pending: 0, refused: 0 };
    const judge = async (ingress: Ingress, outcome: Outcome): Promise<boolean> => {
      const isHeld = outcome.ingress.metadata.generation !== ingress.metadata.generation;
      const isProven = !isHeld && proofs.has(outcome);
      const state = outcome.problems.length > 0 ? 'refused' : isProven ? 'ready' : 'pending';
      counts[state] = (counts[state] ?? 0) + 1;
      const verdict = {
        problems: outcome.problems,
        lacks: outcome.lacks,
        isHeld,
        isProven,
        isDown: addresses.length === 0,
        ...(progress.state === 'refused' && { refusal: progress.message }),
      };
      const status = statusOf(ingress, verdict, options.loadBalancers, clock.now());
      const isWritten = status === undefined || (await writeStatus(ingress, status));
      return isWritten && state !== 'pending';
    };
    const judged = await Promise.all(
      own.map(async (ingress) => {
        const outcome = byKey.get(keyOf(ingress.metadata));
        return outcome === undefined || judge(ingress, outcome);
      }),
    );
    states = counts;
    const isDone = progress.state !== 'unknown' && judged.every(Boolean);
    return { isDone, ...(held.againMs !== undefined && { againMs: held.againMs }) };
  };

  const run = async (): Promise<void> => {
    let attempts = 0;
    while (!signal.aborted) {
      // What changes from here on is for the next round.
      wake = Promise.withResolvers();
      let left: number | undefined;
      if (cluster.isWhole()) {
        const { isDone, againMs } = await reconcile();
        attempts = isDone ? 0 : attempts + 1;
        const retry = isDone ? undefined : retryMs[Math.min(attempts, retryMs.length) - 1];
        left = retry ?? againMs;
      }
      await waited(wake.promise, left);
    }
  };
  const waited = async (news: Promise<void>, ms: number | undefined): Promise<void> => {
    const over = new AbortController();
    const limit = ms === undefined ? [] : [clock.sleep(ms, over.signal).catch(() => undefined)];
    await Promise.race([news, ...limit]);
    over.abort();
  };
  const running = run().catch((error: unknown) => {
    if (!signal.aborted) options.onFatal(error);
  });
  signal.addEventListener('abort', onChange);

  return {
    stop: async () => {
      stopping.abort();
      await running;
      prober.close();
    },
  };
}
