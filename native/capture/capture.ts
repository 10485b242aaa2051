import { CloverError } from '../../functions/lib/errors.ts';
import {
  type Binding,
  type Handle,
  loadBinding,
  objectPath,
  type RawTraceSettings,
} from './binding.ts';
import { translated } from './translated.ts';
import { rungs, type Capture, type CaptureOptions, type FileReplay, type Replay } from './types.ts';
import type { TraceSettings } from './trace-settings.ts';

/**
 * Starts the kernel programs and the thread that reads them; nothing is attached yet.
 *
 * @throws CloverError CLV_CAPTURE_UNAVAILABLE naming what is missing: rights, kernel, or the build.
 */
export function createCapture(options: CaptureOptions): Capture {
  const engine = open(options, true);
  return {
    ...engine.shared,
    kernelCpuNs: () => engine.binding.kernel_cpu_ns(engine.handle),
  };
}

/** The same core without a kernel and without a thread, for tests and recorded traffic. */
export function createReplay(options: CaptureOptions): Replay {
  const { binding, handle, shared, deliver } = open(options, false);
  return {
    ...shared,
    frame(ifindex, toPod, timeNs, frame) {
      binding.frame(handle, ifindex, toPod, timeNs, frame);
      deliver();
    },
    advance(timeNs) {
      binding.advance(handle, timeNs);
      deliver();
    },
  };
}

/** The same core over a capture file, whose spans say both addresses; a span's pod is the end that serves. */
export function createFileReplay(options: CaptureOptions): FileReplay {
  const { binding, handle, shared, deliver } = open({ detailed: true, ...options }, false, false);
  const check = (): void => {
    const { fault } = binding.file_state(handle);
    if (fault === undefined) return;
    throw new CloverError('CLV_CAPTURE_FILE_INVALID', `at byte ${fault.offset}: ${fault.message}`);
  };
  return {
    ledger: shared.ledger,
    check,
    feed(chunk) {
      for (let at = 0; at < chunk.length;) {
        at += binding.file(handle, chunk.subarray(at));
        deliver();
      }
      check();
    },
    end() {
      binding.end_file(handle);
      deliver();
      const { packets, truncated } = binding.file_state(handle);
      return { packets, truncated };
    },
    close() {
      binding.close(handle);
    },
  };
}

type Shared = Omit<Capture, 'kernelCpuNs'>;

interface Engine {
  readonly binding: Binding;
  readonly handle: Handle;
  readonly shared: Shared;
  readonly deliver: () => void;
}

function open(options: CaptureOptions, live: boolean, evidence = true): Engine {
  checkOptions(options);
  const binding = translated(loadBinding);
  const { onBatch, onRecords } = options;
  const receivers = { onBatch, ...(onRecords === undefined ? {} : { onRecords }) };
  const target: { handle?: WeakRef<Handle> } = {};
  const handle = translated(() =>
    binding.create(
      {
        boot: options.boot,
        open_timeout_ms: options.openTimeoutMs ?? 10_000,
        idle_timeout_ms: options.idleTimeoutMs ?? 86_400_000,
        batch_bytes: options.batchBytes ?? 768 * 1024,
        batch_ms: options.batchMs ?? 1_000,
        memory_bytes: options.memoryBytes ?? Number.MAX_SAFE_INTEGER,
        ring_bytes: options.ringBytes ?? 64 * 1024 * 1024,
        object_path: objectPath,
        rungs: options.rungs ?? rungs,
        detailed: options.detailed ?? false,
        evidence,
      },
      live ? weakNotify(binding, target, receivers) : undefined,
    ),
  );
  target.handle = new WeakRef(handle);
  const deliver = (): void => deliverBatches(binding, handle, receivers);
  return { binding, handle, deliver, shared: sharedMethods(binding, handle, deliver) };
}

/**
 * Holds the handle weakly, so that a capture that nobody holds can be collected and then ends; a
 * function of its own, since closures of one scope keep each other's variables alive.
 */
function weakNotify(
  binding: Binding,
  target: { readonly handle?: WeakRef<Handle> },
  receivers: Receivers,
): () => void {
  return () => {
    const handle = target.handle?.deref();
    if (handle !== undefined) deliverBatches(binding, handle, receivers);
  };
}

function sharedMethods(binding: Binding, handle: Handle, deliver: () => void): Shared {
  return {
    attach: (point, pod, settings = {}) =>
      translated(() => binding.attach(handle, point, pod, rawSettings(settings))),
    detach(point) {
      binding.detach(handle, point);
      deliver();
    },
    attachProcess: (pid, cgroup, file) =>
      translated(() => binding.attach_process(handle, pid, cgroup, file)),
    detachProcess(pid) {
      binding.detach_process(handle, pid);
      deliver();
    },
    setPorts: (ports) => binding.set_ports(handle, ports),
    setWindow: ({ fromNs, untilNs }) => binding.set_window(handle, fromNs, untilNs),
    handOver: () => binding.hand_over(handle),
    hold: (ms) => binding.hold(handle, ms),
    takeOver: (state) => binding.take_over(handle, state),
    handOverRequests: () => binding.hand_over_requests(handle),
    takeOverRequests: (requests) => binding.take_over_requests(handle, requests),
    oneWay: () => binding.one_way(handle),
    overtaken: () => binding.overtaken(handle),
    evidence: (after) => binding.evidence(handle, after),
    ledger: () => binding.ledger(handle),
    metrics: () => binding.metrics(handle),
    async flush() {
      binding.flush(handle);
      deliver();
    },
    async close() {
      binding.close(handle);
      deliver();
    },
  };
}

/** Attributes of every request that has them: twice they would be none. */
const alwaysKept: ReadonlySet<string> = new Set(['x-request-id', '3gpp-sbi-correlation-info']);

function rawSettings(settings: TraceSettings): RawTraceSettings {
  const { ratio = 1, parent = false, protocols = [], queryValues = [] } = settings;
  const { requestHeaders = [], responseHeaders = [], redactedHeaders = [] } = settings;
  return {
    ratio,
    parent,
    protocols,
    egress: settings.egress ?? null,
    request_headers: requestHeaders.filter((name) => !alwaysKept.has(name)),
    response_headers: responseHeaders,
    query_values: queryValues,
    redacted_headers: redactedHeaders,
    access_log: settings.accessLog ?? false,
    hints: settings.hints ?? [],
  };
}

type Receivers = Pick<CaptureOptions, 'onBatch' | 'onRecords'>;

function deliverBatches(binding: Binding, handle: Handle, receivers: Receivers): void {
  for (const { logs, count, ...batch } of binding.take_batches(handle)) {
    if (logs) receivers.onRecords?.({ ...batch, records: count });
    else receivers.onBatch({ ...batch, spans: count });
  }
}

function checkOptions({ boot, ringBytes }: CaptureOptions): void {
  if (!/^[0-9a-f]{16}$/.test(boot))
    throw new CloverError('CLV_ARGUMENT_INVALID', 'boot must be 8 bytes in lower-case hex');
  if (ringBytes !== undefined && (ringBytes < 4096 || !Number.isInteger(Math.log2(ringBytes))))
    throw new CloverError(
      'CLV_ARGUMENT_INVALID',
      'ringBytes must be a power of two of at least 4096',
    );
}
