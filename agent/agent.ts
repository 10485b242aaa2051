import { prometheusText } from '../functions/lib/metrics/prometheus-text.ts';
import { monotonicMs } from '../functions/lib/monotonic.ts';
import { version } from '../functions/lib/version.ts';
import type { Capture, CaptureOptions } from '../native/capture/types.ts';
import type { AgentConfig } from './config.ts';
import { deliverToIngest } from './deliver-to-ingest.ts';
import { createDemand } from './demand.ts';
import { every } from './every.ts';
import { createEvidenceReporter } from './evidence.ts';
import { startHandover } from './handover.ts';
import type { AgentServer } from './http-server.ts';
import { httpTo } from './http-to.ts';
import { ledgerFamilies } from './ledger-metrics.ts';
import { ownBuckets, readLedger } from './ledger.ts';
import { formatLoss, lossOf } from './loss.ts';
import { captureMemory } from './memory.ts';
import { createPace } from './pace.ts';
import { takePlace, type Place } from './place.ts';
import { startScrapeServer } from './scrape-server.ts';
import { createSender } from './sender.ts';
import { startServer, type AgentView } from './server.ts';
import { createSinkLedger } from './sink-ledger.ts';
import { openSinks } from './sinks.ts';
import { socketFamilies } from './socket-metrics.ts';
import { openSources, type SourceNeeds } from './sources.ts';
import { createSpanPipe } from './span-pipe.ts';
import { openSpool } from './spool.ts';
import { startTracing } from './tracing.ts';
import type { ProcessLibraries } from './tls/process-libraries.ts';
import { trafficFamilies } from './traffic-metrics.ts';

/** A running agent. */
export interface Agent {
  /** Where health and the ledger are served. */
  readonly port: number;
  /** CloudEvent source of this start. */
  readonly source: string;
  /**
   * Stops taking, sends what it has for up to 5 s, and leaves the rest in the spool. The result
   * says how many batches stayed there.
   */
  stop(): Promise<number>;
}

/** What {@link createAgent} needs. */
export interface AgentDependencies extends SourceNeeds {
  readonly createCapture: (options: CaptureOptions) => Capture;
  /** The limit of memory of this process's cgroup; 0: none. */
  readonly cgroupBytes: number;
  readonly processes: ProcessLibraries;
  /** 16 hex digits, new for each start. */
  readonly boot: string;
  /** No agent of this node counts: this one is to be stopped, and started anew. */
  readonly onOrphaned: () => void;
}

const reportMs = 1_000;
const stopMs = 5_000;
const defaultOpenTimeoutMs = 10_000;

/**
 * Starts the node's agent: pods and taps in, spans and evidence out. While another one of the node waits to take over, it waits.
 *
 * Rejects when the capture cannot be opened, the spool's folder is unusable, the port is taken or its turn does not come.
 */
export async function createAgent(config: AgentConfig, needs: AgentDependencies): Promise<Agent> {
  const { handoverSocket: socketPath } = config;
  const { clock, log } = needs;
  // Before the first file is touched: it may be that of an agent that lives.
  const place = socketPath === undefined ? undefined : await takePlace({ socketPath, clock, log });
  await using opened = new AsyncDisposableStack();
  opened.defer(() => place?.close());
  return await startAgent(config, needs, place, opened);
}

async function startAgent(
  config: AgentConfig,
  needs: AgentDependencies,
  place: Place | undefined,
  /** What a start that fails leaves open. */
  opened: AsyncDisposableStack,
): Promise<Agent> {
  const { clock, boot, log } = needs;
  const startedMs = clock.now();
  const source = `/nodes/${config.node.uid}/${boot}`;
  const { ringBytes, openTimeoutMs = defaultOpenTimeoutMs } = config.capture;
  const { memoryLimitBytes: limitBytes } = config;
  const memoryBytes = captureMemory({ limitBytes, cgroupBytes: needs.cgroupBytes, ringBytes });

  const { guard, ...sources } = openSources(config, needs);
  /** Until it is this agent's turn, another one counts. */
  let turn: AgentView | undefined;
  // Before its turn: where the port is taken, the agent of before goes on.
  const scrapes =
    config.scrape === undefined || guard === undefined
      ? undefined
      : await startScrapeServer({
          listen: { ...config.scrape, shared: place !== undefined },
          guard,
          metrics: () => turn?.metrics(),
          log,
        });
  opened.defer(() => scrapes?.close());

  const ledger = createSinkLedger();
  const takeLeftovers = place?.predecessor === undefined;
  const spool = await openSpool({ ...config.spool, takeLeftovers, boot, ledger, log });
  const [ingest, broker] = [httpTo(config.spans), httpTo(config.evidence)];
  for (const http of [ingest, broker]) opened.defer(() => http.close());
  const pace = createPace(needs.random);
  const sender = createSender({
    spool,
    deliver: deliverToIngest(ingest),
    receiver: 'ingest',
    pace,
    clock,
    log,
  });

  const sinks = await openSinks({
    configs: config.sinks,
    dir: config.spool.dir,
    takeLeftovers,
    boot,
    startedMs,
    source,
    clock,
    random: needs.random,
    log,
  });
  opened.defer(() => sinks.stop(0));

  const lossNow = () => lossOf(capture.ledger(), ledger, sinks.lostRecords());
  const pipe = createSpanPipe({
    boot,
    startedMs,
    source,
    spool,
    ledger,
    lossText: () => formatLoss(lossNow()),
    onSpooled: sender.wake,
    log,
  });
  const capture = needs.createCapture({
    boot,
    openTimeoutMs,
    ringBytes,
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    onBatch(batch) {
      sinks.push(batch);
      pipe.push(batch);
    },
    onRecords: (batch) => sinks.pushRecords(batch),
  });
  opened.defer(() => capture.close());

  const tracing = startTracing({
    capture,
    onSelection: ({ pods }) => sinks.route(pods),
    ...sources,
    processes: needs.processes,
    nowMs: monotonicMs,
    node: config.node.name,
    untapped: config.untapped,
    log,
  });
  opened.defer(() => tracing.stop());
  const evidence = createEvidenceReporter({
    capture,
    http: broker,
    extensions: config.evidence.extensions,
    boot,
    source,
    openTimeoutMs,
    loss: lossNow,
    taps: () => tracing.reportTaps(),
    now: () => clock.now(),
    owns: () => handover?.owns ?? true,
    log,
  });
  const demand = config.onDemand
    ? createDemand({
        attachments: () => tracing.counters().attachments,
        taps: () => tracing.counters().taps.known,
        ingest,
        now: () => clock.now(),
      })
    : undefined;
  opened.defer(() => demand?.stop());
  /** A report that was refused, maybe of pods that are gone since. */
  let isOwed = false;
  const hasNews = (): boolean => demand?.exists() !== false || isOwed;
  sender.wake();
  opened.defer(() => sender.stop(0));
  sinks.wake();
  // In the same turn: nothing is attached yet.
  const handover =
    place === undefined
      ? undefined
      : await startHandover({
          place,
          capture,
          openTimeoutMs,
          settled: () => tracing.settled(),
          onInherit: async () => {
            await Promise.all([spool.adopt(), sinks.adopt()]);
            sender.wake();
          },
          onRetired: () => tracing.stop(),
          onOrphaned: needs.onOrphaned,
          clock,
          log,
        });
  const reporting = every(reportMs, async () => {
    if (hasNews()) isOwed = !(await evidence.report());
  });

  let stopping: Promise<number> | undefined;
  const showLedger = async (): Promise<object> => {
    const books = await readLedger({ capture, pipe, spool, ledger });
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    return {
      version,
      boot,
      source,
      atMs: clock.now(),
      uptimeSeconds: (clock.now() - startedMs) / 1_000,
      ...books,
      spoolBytes: spool.bytes,
      spoolReadFailures: sender.readFailures,
      ingestRefusal: sender.refusal,
      sinks: sinks.counters(),
      evidence: evidence.counters(),
      ...tracing.counters(),
      owns: handover?.owns ?? true,
      kernelCpuNs: capture.kernelCpuNs(),
      cpuMicros: { user: userCPUTime, system: systemCPUTime },
      maxRssBytes: maxRSS * 1_024,
    };
  };
  const view: AgentView = {
    ready: () => stopping === undefined && tracing.ready() && handover?.owns !== false,
    ledger: showLedger,
    metrics: () =>
      handover?.owns === false
        ? undefined
        : prometheusText([
            ...trafficFamilies(capture.metrics()),
            ...socketFamilies(capture.ledger().sockets),
            ...ledgerFamilies({
              capture: capture.ledger(),
              sinks: { ingest: ownBuckets({ pipe, spool, ledger }), ...sinks.counters().byName },
              attachments: tracing.counters().attachments,
            }),
          ]),
  };
  turn = view;

  const stop = async (server?: AgentServer): Promise<number> => {
    await handover?.beforeStop();
    const deadline = clock.now() + stopMs;
    const left = (): number => Math.max(0, deadline - clock.now());
    // Both detach and end their loops now; what they still wait for may take until the deadline.
    const isAsked = hasNews();
    const ended = Promise.all([tracing.stop(), reporting.stop(), demand?.stop()]).then(
      async () => isAsked && evidence.end(),
    );
    await capture.flush();
    await pipe.drained();
    await Promise.all([sender.stop(left()), sinks.stop(left())]);
    await Promise.race([ended, clock.sleep(left())]);
    await capture.close();
    await Promise.all([pipe.drained(), sinks.drained()]);
    await Promise.all([server?.close(), scrapes?.close()]);
    await handover?.close();
    for (const http of [ingest, broker]) http.close();
    const kept = spool.entries().length;
    log.info({ kept }, 'agent stopped');
    return kept;
  };

  // From here on `stop` closes it, and sends before.
  opened.move();
  try {
    const server = await startServer({ ...config.listen, shared: handover !== undefined }, view);
    log.info({ source, port: server.port, scrape: config.scrape }, 'agent started');
    return { port: server.port, source, stop: () => (stopping ??= stop(server)) };
  } catch (error) {
    await stop();
    throw error;
  }
}
