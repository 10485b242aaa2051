import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloverError } from '../functions/lib/errors.ts';
import { createAuthorization } from '../functions/lib/authorization.ts';
import { monotonicMs } from '../functions/lib/monotonic.ts';
import type { RecordBatch, SpanBatch } from '../native/capture/types.ts';
import type { SinkConfig } from './config.ts';
import type { Deliver } from './delivery.ts';
import { createHttpClient } from './http-client.ts';
import { addUp, type Causes } from './loss.ts';
import { deliverOverGrpc } from './otlp/otlp-grpc.ts';
import { deliverOverHttp } from './otlp/otlp-http.ts';
import {
  openOtlpSink,
  type OtlpSink,
  type SinkCounters,
  type SinkSurroundings,
} from './otlp/otlp-sink.ts';
import { removeSpools } from './removed-sinks.ts';
import type { SelectedPod } from './selection.ts';
import type { SinkCount } from './sink-ledger.ts';

/** The collectors that spans are sent to beside ingest. */
export interface Sinks {
  /** Which pods' spans go where, from now on. */
  route(pods: readonly SelectedPod[]): void;
  /** Before anybody else takes the batch's buffer. */
  push(batch: SpanBatch): void;
  /** The same of records of access logs, for which a sink has a queue and a spool beside those of spans. */
  pushRecords(batch: RecordBatch): void;
  counters(): SinksView;
  /** Records of this boot that were lost on their way to sinks, by cause. */
  lostRecords(): Causes;
  /** From now on what there is is sent; before that nothing is. */
  wake(): void;
  /** Takes over what earlier boots left, once none of them lives any more. */
  adopt(): Promise<void>;
  /** Resolves once all that was pushed is on disk, or counted as lost. */
  drained(): Promise<void>;
  /** Sends what there is for up to `ms`; the rest stays on disk. */
  stop(ms: number): Promise<void>;
}

/** What became of spans, by sink, and of records, where there are any, as `<sink>.logs`, where `spans` counts them. */
export interface SinksView {
  readonly byName: Readonly<Record<string, SinkCounters>>;
  /** Names that Taps have, and the agent's configuration has not. */
  readonly unknown: readonly string[];
  /** What earlier boots had left for sinks that the configuration has no more, by their names: it is lost. */
  readonly removed: Readonly<Record<string, SinkCount>>;
}

/** What {@link openSinks} needs. */
export interface SinksOptions extends SinkSurroundings {
  readonly configs: Readonly<Record<string, SinkConfig>>;
  /** The agent's spool. */
  readonly dir: string;
}

/** What is sent: OTLP over HTTP and over gRPC has a path for each. */
const signals = {
  traces: {
    suffix: '',
    http: '/v1/traces',
    grpc: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  },
  logs: {
    // No sink has a dot in its name.
    suffix: '.logs',
    http: '/v1/logs',
    grpc: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
  },
} as const;

type Signal = keyof typeof signals;

interface Opened {
  readonly of: string;
  readonly signal: Signal;
  readonly sink: OtlpSink;
  readonly close: () => void;
}

/**
 * Opens those that are configured; none is connected to before it has spans.
 * @throws CloverError CLV_CONFIG_INVALID where a certificate cannot be read.
 */
export async function openSinks(options: SinksOptions): Promise<Sinks> {
  const { configs, log, ...common } = options;
  const dir = join(options.dir, 'sinks');
  const opened = new Map<string, Opened>();
  const stop: Sinks['stop'] = async (ms) => {
    await Promise.all([...opened.values()].map(({ sink }) => sink.stop(ms)));
    for (const { close } of opened.values()) close();
  };
  try {
    for (const [of, config] of Object.entries(configs)) {
      for (const signal of ['traces', 'logs'] as const) {
        const { deliver, close } = deliveryTo(config, signal);
        const { spoolLimitBytes: limitBytes } = config;
        const name = `${of}${signals[signal].suffix}`;
        const lazy = signal === 'logs';
        const sink = await openOtlpSink({ ...common, name, deliver, dir, limitBytes, lazy, log });
        opened.set(name, { of, signal, sink, close });
      }
    }
  } catch (error) {
    await stop(0);
    throw error;
  }
  let removed: SinksView['removed'] = {};
  const removeOthers = async (): Promise<void> => {
    removed = await removeSpools({ dir, kept: new Set(opened.keys()), log });
  };
  if (options.takeLeftovers) await removeOthers();
  /** Sinks by the uid of a pod. */
  let routes: Record<Signal, ReadonlyMap<string, readonly string[]>> = {
    traces: new Map(),
    logs: new Map(),
  };
  let unknown: readonly string[] = [];
  const push = (batch: SpanBatch, wanted: Signal): void => {
    for (const { of, signal, sink } of opened.values()) {
      if (signal !== wanted) continue;
      sink.push(batch, (uid) => routes[signal].get(uid)?.includes(of) === true);
    }
  };

  return {
    route(pods) {
      routes = {
        traces: new Map(pods.map(({ uid, sinks }) => [uid, sinks])),
        logs: new Map(pods.map(({ uid, logSinks }) => [uid, logSinks])),
      };
      const missing = [...new Set(pods.flatMap(({ sinks }) => sinks))]
        .filter((name) => !opened.has(name))
        .sort();
      for (const name of missing) {
        if (!unknown.includes(name))
          log.warn({ sink: name }, 'a Tap names a sink that is not configured');
      }
      unknown = missing;
    },
    push: (batch) => push(batch, 'traces'),
    pushRecords: ({ records, ...batch }) => push({ ...batch, spans: records }, 'logs'),
    counters: () => ({
      byName: Object.fromEntries(
        [...opened].flatMap(([name, { signal, sink }]) => {
          const counters = sink.counters();
          const { entered, inherited } = counters;
          const used = signal === 'traces' || entered.batches + inherited.entered.batches > 0;
          return used ? [[name, counters]] : [];
        }),
      ),
      unknown,
      removed,
    }),
    lostRecords: () =>
      addUp(
        [...opened.values()]
          .filter(({ signal }) => signal === 'logs')
          .map(({ sink }) => sink.lostSpans()),
      ),
    wake() {
      for (const { sink } of opened.values()) sink.wake();
    },
    async adopt() {
      await Promise.all([removeOthers(), ...[...opened.values()].map(({ sink }) => sink.adopt())]);
    },
    async drained() {
      await Promise.all([...opened.values()].map(({ sink }) => sink.drained()));
    },
    stop,
  };
}

function deliveryTo(config: SinkConfig, signal: Signal): { deliver: Deliver; close: () => void } {
  const { protocol, endpoint, headers, token, tokenFile } = config;
  const ca = config.caFile === undefined ? undefined : readCertificate(config.caFile);
  const authorization = createAuthorization({ token, tokenFile, monotonicMs });
  if (protocol === 'grpc') {
    return deliverOverGrpc({
      endpoint,
      path: signals[signal].grpc,
      ca,
      headers: async () => {
        const value = await authorization();
        return { ...headers, ...(value === undefined ? {} : { authorization: value }) };
      },
    });
  }
  const http = createHttpClient({ url: endpoint, ca, authorization });
  return {
    deliver: deliverOverHttp(http, signals[signal].http, headers),
    close: () => http.close(),
  };
}

function readCertificate(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new CloverError('CLV_CONFIG_INVALID', `cannot read the certificate in ${file}`, {
      cause,
    });
  }
}
