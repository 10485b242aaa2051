import type {
  Capture,
  CaptureLedger,
  CaptureOptions,
  CapturePoint,
  EvidenceSnapshot,
  PodIdentity,
  RequestMetrics,
} from '../../../native/capture/types.ts';
import type { TraceSettings } from '../../../native/capture/trace-settings.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import type { EvidenceCell } from '../../../knative/events.ts';

/** A capture without a kernel: tests say which requests finished. */
export interface MemoryCapture extends Capture {
  /** Attached pods. */
  readonly attached: ReadonlyMap<CapturePoint, PodIdentity>;
  /** What is kept of them. */
  readonly settings: ReadonlyMap<CapturePoint, TraceSettings>;
  /** How often a point was detached. */
  readonly detaches: number;
  readonly ports: readonly number[];
  setMetrics(metrics: RequestMetrics): void;
  /** `count` requests begin and end; their spans go into the open batch. */
  finish(count: number): void;
  /** `count` requests begin and stay open. */
  begin(count: number): void;
  /** Sets the cell of one block; its revision and sequence move on. */
  setCell(block: number, started: number, run?: string): void;
  setWatermark(unixMs: number): void;
  /** So many connections there were seen in one direction alone. */
  setOneWay(point: CapturePoint, connections: number): void;
  /** Programs that are before the capture there. */
  setOvertaken(point: number, ...programs: number[]): void;
  /** From now on no cgroup is to be had. */
  refuseCgroups(): void;
}

/** The books of a capture that has seen nothing. */
export const emptyLedger: CaptureLedger = {
  wire: {
    segments: 0,
    payloadBytes: 0,
    tlsBytes: 0,
    unwanted: 0,
    reattached: 0,
    lost: {},
    otherPackets: {},
  },
  bytes: { parsed: 0, skipped: {}, lost: {}, pending: 0 },
  requests: { seen: 0, spans: 0, sampledOut: 0, open: 0, lost: {} },
  sessions: { seen: 0, spans: 0, sampledOut: 0, open: 0, lost: {} },
  accessLog: { records: 0, lost: 0 },
  connections: { open: 0, seen: 0, evicted: 0, contradicted: {} },
  sockets: { deafPoints: 0, compared: 0, differ: {}, uncompared: {} },
  headerFields: { read: 0, unknown: 0 },
  takenOver: { connections: 0, requests: 0, bytes: 0, refused: {} },
};

/** The OTLP of one span here: incompressible enough to give the spool some weight. */
const bytesPerSpan = 64;

/** Implements the contract of {@link Capture} on plain arrays. */
export function createMemoryCapture(options: CaptureOptions): MemoryCapture {
  const attached = new Map<CapturePoint, PodIdentity>();
  const settings = new Map<CapturePoint, TraceSettings>();
  let detaches = 0;
  let requestMetrics: RequestMetrics = { boundsSeconds: {}, sides: [] };
  const oneWay = new Map<CapturePoint, number>();
  const overtaken = new Map<number, readonly number[]>();
  let cgroups = true;
  const cells = new Map<number, { revision: number; cell: EvidenceCell }>();
  let ports: readonly number[] = [];
  let open = 0;
  let spans = 0;
  let detached = 0;
  let inBatch = 0;
  let sequence = 0;
  let revision = 0;
  let watermarkMs = 0;

  const closeBatch = (): void => {
    if (inBatch === 0) return;
    sequence += 1;
    const batch = {
      otlp: Buffer.alloc(inBatch * bytesPerSpan, `span of batch ${sequence};`),
      spans: inBatch,
      sequence,
      watermarkMs,
    };
    inBatch = 0;
    options.onBatch(batch);
  };
  const flush = (): Promise<void> =>
    new Promise((resolve) => {
      setImmediate(() => {
        closeBatch();
        resolve();
      });
    });

  return {
    attached,
    settings,
    get detaches() {
      return detaches;
    },
    setMetrics(metrics) {
      requestMetrics = metrics;
    },
    metrics: () => requestMetrics,
    get ports() {
      return ports;
    },
    setOvertaken: (point, ...programs) => void overtaken.set(point, programs),
    overtaken: () => [...overtaken].map(([point, programs]) => ({ point, programs })),
    setOneWay: (point, connections) => void oneWay.set(point, connections),
    refuseCgroups: () => void (cgroups = false),
    oneWay: () =>
      [...oneWay].map(([point, connections]) => ({ point, oneWay: connections, bothWays: 0 })),
    finish(count) {
      spans += count;
      inBatch += count;
    },
    begin(count) {
      open += count;
    },
    setCell(block, started, run = '-') {
      revision += 1;
      const cell = {
        splitter: 'default/gateway',
        run,
        epoch: 1,
        arm: 'v1',
        block,
        sequence: revision,
        started,
        done: started,
        errors: 0,
        stuck: 0,
        sumLog: 0,
        sumLogSq: 0,
        histogram: [[320, started] satisfies [number, number]],
      };
      cells.set(block, { revision, cell });
    },
    setWatermark(unixMs) {
      watermarkMs = unixMs;
    },
    attach(point, pod, given = {}) {
      const kind = typeof point === 'string' ? 'cgroup' : 'tcx';
      if (kind === 'cgroup' && !cgroups)
        throw new CloverError('CLV_CAPTURE_UNAVAILABLE', 'no cgroups here');
      attached.set(point, pod);
      settings.set(point, given);
      return kind;
    },
    detach(point) {
      detaches += 1;
      attached.delete(point);
      if (attached.size > 0) return;
      detached += open;
      open = 0;
    },
    attachProcess: () => undefined,
    detachProcess: () => undefined,
    setPorts(wanted) {
      ports = wanted;
    },
    setWindow: () => undefined,
    handOver: () => Buffer.alloc(0),
    hold: () => undefined,
    takeOver: () => undefined,
    handOverRequests: () => Buffer.alloc(0),
    takeOverRequests: () => undefined,
    evidence(after): EvidenceSnapshot {
      const changed = [...cells.values()]
        .filter((entry) => entry.revision > after)
        .sort((a, b) => a.revision - b.revision)
        .slice(0, 20_000);
      return {
        revision: changed.at(-1)?.revision ?? after,
        watermarkMs,
        cells: changed.map((entry) => entry.cell),
      };
    },
    ledger(): CaptureLedger {
      return {
        ...emptyLedger,
        requests: { seen: spans + open + detached, spans, sampledOut: 0, open, lost: { detached } },
      };
    },
    kernelCpuNs: () => 0,
    flush,
    close: flush,
  };
}
