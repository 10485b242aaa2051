import type { EvidenceCell } from '../../knative/events.ts';
import type { ConnectionLedger } from './connection-ledger.ts';
import type { HandingOver } from './handover-types.ts';
import type { TlsCapture } from './tls-types.ts';
import type { TraceSettings } from './trace-settings.ts';
import type { SocketLedger } from './socket-ledger.ts';

/** One pod's identity, put on every span of its interface (OpenTelemetry resource attributes). */
export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly node: string;
  /** service.name and service.version. */
  readonly service: string;
  readonly version: string;
}

/** Durations of requests that have these attributes in common. */
export interface DurationSeries {
  /** By OpenTelemetry's name, such as `http.server.request.duration`. */
  readonly metric: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly sumSeconds: number;
  /** Requests by the first bound that is not below their duration; the last is above them all. */
  readonly buckets: readonly number[];
}

/** The requests that one version of a service on this node took (`server`), or sent: started = Σ Σ buckets + open + Σ lost. */
export interface ServiceSide {
  readonly namespace: string;
  readonly service: string;
  readonly version: string;
  readonly server: boolean;
  readonly started: number;
  readonly open: number;
  readonly lost: Readonly<Record<string, number>>;
  readonly series: readonly DurationSeries[];
}

/** Rate, errors and durations of all requests, cumulative, whatever became of their spans. */
export interface RequestMetrics {
  /** By metric, ascending. */
  readonly boundsSeconds: Readonly<Record<string, readonly number[]>>;
  readonly sides: readonly ServiceSide[];
}

/** A network interface as a process sees it. */
export interface ProcessLink {
  /** As the process calls it, such as `eth0`. */
  readonly name: string;
  /** The kernel's word for what it is, such as `veth` or `macvlan`; empty for hardware. */
  readonly kind: string;
  /** An XDP program is on it: packets may go to somebody before they come to the kernel's network (AF_XDP), or never do. */
  readonly xdp?: true;
  /** Its other end, where that is an interface of the caller's own network namespace. */
  readonly ours?: { readonly ifindex: number; readonly name: string; readonly xdp?: true };
}

/** One full batch of spans. */
export interface SpanBatch {
  /** OTLP `TracesData` protobuf (opentelemetry-proto 1.x), not compressed. */
  readonly otlp: Buffer;
  readonly spans: number;
  /** Dense from 1 within a boot. */
  readonly sequence: number;
  /** Unix ms: start of the oldest request that is open or whose span is not in a batch yet. */
  readonly watermarkMs: number;
}

/** One full batch of records of access logs. */
export interface RecordBatch {
  /** OTLP `LogsData` protobuf, not compressed; the form of a {@link SpanBatch.otlp}. */
  readonly otlp: Buffer;
  readonly records: number;
  /** Dense from 1 within a boot, apart from that of spans. */
  readonly sequence: number;
  /** As of spans. */
  readonly watermarkMs: number;
}

/** Evidence that changed since `after`. */
export interface EvidenceSnapshot {
  /** Give it as `after` next time, once the report was accepted. */
  readonly revision: number;
  readonly watermarkMs: number;
  readonly cells: readonly EvidenceCell[];
}

/** Where packets of a pod are seen: on the host side of its veth, by its index, or at a cgroup v2, by its folder. */
export type CapturePoint = number | string;

/** Ways to see an interface, from the best to one that needs no tc: links of tcx, filters of a clsact qdisc, a packet socket. */
export const rungs = ['tcx', 'clsact', 'packet'] as const;

/** One of {@link rungs}. */
export type Rung = (typeof rungs)[number];

/** How a point is captured. `replay`: by frames that are given by hand. */
export type CapturePointKind = Rung | 'cgroup' | 'replay';

/** Connections at a point, from their start on, by what was seen of them. */
export interface OneWay {
  readonly point: CapturePoint;
  /** Data in one direction, and nothing in the other: that passes elsewhere. Above 0. */
  readonly oneWay: number;
  readonly bothWays: number;
}

/** An interface at which programs of others have their say before the capture's, and may keep packets from it. */
export interface Overtaken {
  readonly point: number;
  /** Their ids in the kernel. */
  readonly programs: readonly number[];
}

/** Where requests went: seen = spans + sampledOut + open + Σ lost, always. */
export interface RequestCounts {
  readonly seen: number;
  readonly spans: number;
  /** They ended, and their Tap keeps no span of them. */
  readonly sampledOut: number;
  readonly open: number;
  readonly lost: Readonly<Record<string, number>>;
}

/** Cumulative counts of one boot; every loss has a cause. */
export interface CaptureLedger {
  readonly wire: {
    /**
     * TCP segments with payload or SYN/FIN/RST, and UDP datagrams (several in a row count as one), on traced ports that the
     * kernel program saw.
     */
    readonly segments: number;
    readonly payloadBytes: number;
    /** Of `payloadBytes`: plain text at TLS libraries. Each of their calls is a segment. */
    readonly tlsBytes: number;
    /** Those of them that were not copied, since nobody reads their connection any more, or they are amid a long body. */
    readonly unwanted: number;
    /** How often an interface was attached to again, since somebody else had detached the capture from it. */
    readonly reattached: number;
    /** Segments that never reached user space, by cause (`ring_full`, `unreadable`, …). */
    readonly lost: Readonly<Record<string, number>>;
    /** Packets of IP in which there was neither TCP nor UDP to be read, of any pod, by what they carry (`sctp`, `gre`, …). */
    readonly otherPackets: Readonly<Record<string, number>>;
  };
  readonly bytes: {
    readonly parsed: number;
    /** Duplicates, non-HTTP connections, …: by reason. */
    readonly skipped: Readonly<Record<string, number>>;
    /** Holes in the sequence space: by cause. */
    readonly lost: Readonly<Record<string, number>>;
    /** Held for reassembly or of a message that is not whole yet. */
    readonly pending: number;
  };
  readonly requests: RequestCounts;
  /** Of WebSocket: each follows a request, its handshake, and is none. */
  readonly sessions: RequestCounts;
  /** Records of access logs that were handed on, and those that nobody took in time. */
  readonly accessLog: { readonly records: number; readonly lost: number };
  readonly connections: ConnectionLedger;
  readonly sockets: SocketLedger;
  /** Of headers whose fields may refer to earlier ones (HTTP/2), read within the window: all, and those named before the capture. */
  readonly headerFields: { readonly read: number; readonly unknown: number };
  /** What a predecessor has told ({@link Capture.takeOver}). */
  readonly takenOver: {
    /** That go on as it left them. */
    readonly connections: number;
    /** Requests that it did not wait for ({@link Capture.takeOverRequests}): they are seen here. */
    readonly requests: number;
    /** It had read them, of messages that were not whole: they are in `bytes`, and were never on the wire here. */
    readonly bytes: number;
    /** Connections that are followed as they were met, by cause (`behind`, `malformed`, …); `other_version` is all of them. */
    readonly refused: Readonly<Record<string, number>>;
  };
}

/** Options of a capture or a replay. */
export interface CaptureOptions {
  /** 8 bytes in hex, random per start; span ids derive from it. */
  readonly boot: string;
  /** Requests open for longer count as stuck. Default 10 000. */
  readonly openTimeoutMs?: number;
  /** Connections without payload for so long are forgotten; with requests that are open after an hour. Default 86 400 000. */
  readonly idleTimeoutMs?: number;
  /** Ways to interfaces, in the order in which they are tried. Default: all {@link rungs}. */
  readonly rungs?: readonly Rung[];
  /** Size of the kernel ring buffer in bytes, a power of two. Default 64 MiB. */
  readonly ringBytes?: number;
  /**
   * What connections, requests and batches may take in all, in bytes, about, beside the ring. Above it go, in this order: handshakes on which
   * nothing was said; bytes that wait for others, lost as `hole`; messages that are not whole and requests that are open, lost as `memory`;
   * batches that nobody took, lost as `backlog`; and connections that were silent for longest. Default: bounded by numbers alone.
   */
  readonly memoryBytes?: number;
  /** A batch closes at this many bytes or after `batchMs`. Defaults 768 KiB, 1 000 ms. */
  readonly batchBytes?: number;
  readonly batchMs?: number;
  /** Spans say the pod's own address and port, and the stream of their protocol (`clover.stream_id`), too. Default: no. */
  readonly detailed?: boolean;
  /** Called on the JS thread with each closed batch, in order of sequence. */
  readonly onBatch: (batch: SpanBatch) => void;
  /** The same with those of records. Default: nobody takes them. */
  readonly onRecords?: (batch: RecordBatch) => void;
}

/**
 * When the requests begin that a capture counts: nanoseconds of the monotonic clock (`process.hrtime.bigint()`). Two captures on
 * the same interfaces, of which one ends where the other starts, count each request once: others are followed in silence.
 */
export interface CaptureWindow {
  /** {@link never}: none yet; what is attached meanwhile is known to be seen by another one. */
  readonly fromNs: bigint;
  /** Not included; {@link never}: no end. */
  readonly untilNs: bigint;
}

/** A time that does not come. */
export const never: bigint = 2n ** 64n - 1n;

/** Turns the packets of network interfaces into spans, evidence and a ledger. */
export interface Capture extends HandingOver, TlsCapture {
  /**
   * Traces a pod at a point; where that is attached already, replaces identity and settings alone.
   * @throws CloverError CLV_CAPTURE_UNAVAILABLE naming what is missing.
   */
  attach(point: CapturePoint, pod: PodIdentity, settings?: TraceSettings): CapturePointKind;
  /** Ends tracing there; open requests of the point count as lost(`detached`). */
  detach(point: CapturePoint): void;
  /** Server ports to trace, of TCP and UDP; an empty list means every port. */
  setPorts(ports: readonly number[]): void;
  /** Counts only requests that begin within; at first all. Set it before what it cuts off has come. */
  setWindow(window: CaptureWindow): void;
  /** The attached points of which only a part is seen. */
  oneWay(): readonly OneWay[];
  /** Those where others have come before the capture, for some 15 s at least: an agent that takes over does so, too. */
  overtaken(): readonly Overtaken[];
  /** Cells whose revision is above `after` (0 = all); at most 20 000 of them, oldest first. */
  evidence(after: number): EvidenceSnapshot;
  ledger(): CaptureLedger;
  /** Every request since the start, up to date with the wire. */
  metrics(): RequestMetrics;
  /** CPU nanoseconds spent in the kernel programs so far (0 unless kernel.bpf_stats_enabled). */
  kernelCpuNs(): number;
  /** Closes the open batch now and resolves after its onBatch call. */
  flush(): Promise<void>;
  /** Detaches, flushes, frees; safe to call twice. */
  close(): Promise<void>;
}

/** A capture fed by hand: the same core without a kernel. */
export interface Replay extends Omit<Capture, 'kernelCpuNs'> {
  /**
   * One Ethernet frame as seen on the host side of `ifindex`.
   * @param toPod whether it goes to the pod (tcx egress) or comes from it (tcx ingress).
   * @param timeNs Unix nanoseconds.
   */
  frame(ifindex: number, toPod: boolean, timeNs: bigint, frame: Uint8Array): void;
  /** Moves the replay's clock without a frame (for timeouts and batches). */
  advance(timeNs: bigint): void;
}

/** What became of a capture file. */
export interface FileEnd {
  readonly packets: number;
  /** The file ended within a packet, of which what was there has been read. */
  readonly truncated: boolean;
}

/** The core over a capture file: pcap or pcapng. */
export interface FileReplay {
  /**
   * More of the file, in chunks of any size.
   * @throws CloverError CLV_CAPTURE_FILE_INVALID that says what is wrong, and at which byte. What came before it counts.
   */
  feed(chunk: Uint8Array): void;
  /** Ends the file: requests that are open become spans with `clover.incomplete`. */
  end(): FileEnd;
  /**
   * Whether anything was wrong: of an empty file only its end tells that.
   * @throws CloverError as feed() does.
   */
  check(): void;
  ledger(): CaptureLedger;
  /** Frees; safe to call twice. */
  close(): void;
}
