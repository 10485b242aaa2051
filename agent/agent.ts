import type { Logger } from 'pino';
import type { Clock } from '../functions/lib/clock.ts';
import type { Capture, CaptureOptions } from '../native/capture/types.ts';
import { createAttachments } from './attachments.ts';
import type { AgentConfig } from './config.ts';
import { every } from './every.ts';
import { createEvidenceReporter } from './evidence.ts';
import { createHttpClient } from './http-client.ts';
import { readLedger } from './ledger.ts';
import { formatLoss } from './loss.ts';
import { createPace } from './pace.ts';
import { createPodDirectory } from './pod-directory.ts';
import { select } from './selection.ts';
import { createSender } from './sender.ts';
import { startServer } from './server.ts';
import { createSinkLedger, type SinkLedger } from './sink-ledger.ts';
import { createSpanPipe } from './span-pipe.ts';
import { openSpool } from './spool.ts';
import { createTapList } from './tap-list.ts';

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
export interface AgentDependencies {
  readonly createCapture: (options: CaptureOptions) => Capture;
  readonly ifindexOf: (name: string) => number | undefined;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** 16 hex digits, new for each start. */
  readonly boot: string;
  readonly log: Logger;
}

const pollMs = 1_000;
const stopMs = 5_000;
const defaultOpenTimeoutMs = 10_000;

/**
 * Starts the node's agent: pods and taps in, spans and evidence out.
 *
 * Rejects when the capture cannot be opened, the spool's folder is unusable or the port is taken.
 */
export async function createAgent(config: AgentConfig, needs: AgentDependencies): Promise<Agent> {
  const { clock, boot, log } = needs;
  const startedMs = clock.now();
  const source = `/nodes/${config.node.uid}/${boot}`;
  const { ringBytes, openTimeoutMs = defaultOpenTimeoutMs } = config.capture;

  const ledger = createSinkLedger();
  const spool = await openSpool({ ...config.spool, boot, ledger, log });
  const http = createHttpClient(config.controlPlane);
  const pace = createPace(needs.random);
  const sender = createSender({ spool, http, pace, clock, log });

  const pipe = createSpanPipe({
    boot,
    startedMs,
    source,
    spool,
    ledger,
    lossText: () => lossOf(capture, ledger),
    onSpooled: sender.wake,
    log,
  });
  const capture = needs.createCapture({
    boot,
    openTimeoutMs,
    ...(ringBytes === undefined ? {} : { ringBytes }),
    onBatch: pipe.push,
  });

  const attachments = createAttachments({
    capture,
    node: config.node.name,
    ifindexOf: needs.ifindexOf,
    log,
  });
  const taps = createTapList(http, log);
  const evidence = createEvidenceReporter({ capture, http, boot, source, openTimeoutMs, log });
  let taking = true;
  const reconcile = (): void => {
    const pods = directory.pods();
    if (taking && pods !== undefined) attachments.reconcile(select(pods, taps.taps()));
  };
  const rereadPods = async (): Promise<void> => {
    await directory.refresh();
    reconcile();
  };
  const directory = createPodDirectory({
    file: config.podsFile,
    onHint: () => void rereadPods(),
    log,
  });

  const showLedger = async (): Promise<object> => {
    const books = await readLedger({ capture, pipe, spool, ledger });
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    return {
      boot,
      source,
      uptimeSeconds: (clock.now() - startedMs) / 1_000,
      ...books,
      spoolBytes: spool.bytes,
      evidence: evidence.counters(),
      attachments: attachments.counters(),
      podsFile: { pods: directory.pods()?.length ?? 0, broken: directory.broken },
      taps: { known: taps.taps().length, failed: taps.failed },
      kernelCpuNs: capture.kernelCpuNs(),
      cpuMicros: { user: userCPUTime, system: systemCPUTime },
      maxRssBytes: maxRSS * 1_024,
    };
  };

  const server = await startServer(config.listen, {
    ready: () => taking && directory.pods() !== undefined,
    ledger: showLedger,
  }).catch(async (error: unknown) => {
    await capture.close();
    throw error;
  });
  sender.wake();
  const loops = [
    every(pollMs, rereadPods),
    every(pollMs, async (signal) => {
      await taps.refresh(signal);
      reconcile();
    }),
    every(pollMs, async () => {
      await evidence.report();
    }),
  ];
  log.info({ source, port: server.port }, 'agent started');

  const stop = async (): Promise<number> => {
    const deadline = clock.now() + stopMs;
    taking = false;
    directory.close();
    attachments.detachAll();
    await capture.flush();
    const left = (): number => Math.max(0, deadline - clock.now());
    await Promise.race([
      Promise.all(loops.map((loop) => loop.stop())).then(evidence.report),
      clock.sleep(left()),
    ]);
    await pipe.drained();
    await sender.stop(left());
    await capture.close();
    await pipe.drained();
    await server.close();
    http.close();
    const kept = spool.entries().length;
    log.info({ kept }, 'agent stopped');
    return kept;
  };
  let stopping: Promise<number> | undefined;
  return { port: server.port, source, stop: () => (stopping ??= stop()) };
}

/** Every loss of this boot by cause, and of what it took over. */
function lossOf(capture: Capture, ledger: SinkLedger): string {
  const { wire, bytes, requests } = capture.ledger();
  return formatLoss({
    wire: wire.lost,
    bytes: bytes.lost,
    requests: requests.lost,
    spans: ledger.lostSpans(true),
    inherited: ledger.lostSpans(false),
  });
}
