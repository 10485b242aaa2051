import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import type {
  CaptureLedger,
  CapturePoint,
  CapturePointKind,
  EvidenceSnapshot,
  OneWay,
  Overtaken,
  PodIdentity,
  ProcessLink,
  RequestMetrics,
  Rung,
} from './types.ts';
import type { TlsLibrary } from './tls-types.ts';
import type { Destination } from '../../knative/resources/egress.ts';
import type { PortHint } from './trace-settings.ts';

declare const handleBrand: unique symbol;

/** An engine of the addon; ends by `close`, garbage collection or the end of its environment. */
export interface Handle {
  readonly [handleBrand]: true;
}

/** Options of {@link Binding.create}, all of them given. */
export interface RawOptions {
  readonly boot: string;
  readonly open_timeout_ms: number;
  readonly idle_timeout_ms: number;
  readonly batch_bytes: number;
  readonly batch_ms: number;
  readonly memory_bytes: number;
  readonly ring_bytes: number;
  readonly object_path: string;
  readonly rungs: readonly Rung[];
  readonly detailed: boolean;
  readonly evidence: boolean;
}

/** Settings of {@link Binding.attach}; no protocols, and null as `egress`: all. */
export interface RawTraceSettings {
  readonly ratio: number;
  readonly parent: boolean;
  readonly protocols: readonly string[];
  readonly egress: readonly Destination[] | null;
  readonly request_headers: readonly string[];
  readonly response_headers: readonly string[];
  readonly query_values: readonly string[];
  readonly redacted_headers: readonly string[];
  readonly access_log: boolean;
  readonly hints: readonly PortHint[];
}

/** Spans, or records of an access log. */
export interface RawBatch {
  readonly otlp: Buffer;
  readonly logs: boolean;
  readonly count: number;
  readonly sequence: number;
  readonly watermarkMs: number;
}

/** Where a capture file stands. */
export interface RawFileState {
  readonly packets: number;
  /** The file ended within a packet. */
  readonly truncated: boolean;
  /** What is wrong with it, and at which byte; nothing behind that was read. */
  readonly fault?: { readonly message: string; readonly offset: number };
}

/** The addon, 1:1. Errors have a `code`: CLV_CAPTURE_UNAVAILABLE, ERR_INVALID_ARG_TYPE. */
export interface Binding {
  /** With `notify` a capture, which calls it when batches wait; without, a replay. */
  create(options: RawOptions, notify: (() => void) | undefined): Handle;
  attach(
    handle: Handle,
    point: CapturePoint,
    pod: PodIdentity,
    settings: RawTraceSettings,
  ): CapturePointKind;
  detach(handle: Handle, point: CapturePoint): void;
  attach_process(handle: Handle, process: number, point: CapturePoint, file: string): void;
  detach_process(handle: Handle, process: number): void;
  set_ports(handle: Handle, ports: readonly number[]): void;
  set_window(handle: Handle, from_ns: bigint, until_ns: bigint): void;
  hand_over(handle: Handle): Buffer;
  hold(handle: Handle, ms: number): void;
  take_over(handle: Handle, state: Uint8Array): void;
  hand_over_requests(handle: Handle): Buffer;
  take_over_requests(handle: Handle, requests: Uint8Array): void;
  frame(handle: Handle, ifindex: number, to_pod: boolean, time_ns: bigint, frame: Uint8Array): void;
  /** How many bytes were taken: fewer than all of them where batches have to be taken first. */
  file(handle: Handle, chunk: Uint8Array): number;
  end_file(handle: Handle): void;
  file_state(handle: Handle): RawFileState;
  advance(handle: Handle, time_ns: bigint): void;
  evidence(handle: Handle, after: number): EvidenceSnapshot;
  ledger(handle: Handle): CaptureLedger;
  metrics(handle: Handle): RequestMetrics;
  one_way(handle: Handle): OneWay[];
  overtaken(handle: Handle): Overtaken[];
  kernel_cpu_ns(handle: Handle): number;
  flush(handle: Handle): void;
  take_batches(handle: Handle): RawBatch[];
  close(handle: Handle): void;
  /** Undefined without such a process; `own`: it is in the caller's network namespace. */
  process_links(pid: number): { own: boolean; links: ProcessLink[] } | undefined;
  /** Undefined where there is none in it, or it cannot be read. */
  tls_library(path: string): TlsLibrary | undefined;
}

/** Where the build puts the kernel programs. */
export const objectPath: string = fileURLToPath(
  new URL('./build/Release/tap.bpf.o', import.meta.url),
);

/** Loads the addon that `node-gyp rebuild` made in this folder. */
export function loadBinding(): Binding {
  const load: (id: string) => Binding = createRequire(import.meta.url);
  return load('./build/Release/capture.node');
}
