import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloverError } from '../functions/lib/errors.ts';
import { createAuthorization } from '../functions/lib/authorization.ts';
import { monotonicMs } from '../functions/lib/monotonic.ts';
import type { SpanBatch } from '../native/capture/types.ts';
import type { SinkConfig } from './config.ts';
import type { Deliver } from './delivery.ts';
import { createHttpClient } from './http-client.ts';
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
  counters(): SinksView;
  /** From now on what there is is sent; before that nothing is. */
  wake(): void;
  /** Takes over what earlier boots left, once none of them lives any more. */
  adopt(): Promise<void>;
  /** Resolves once all that was pushed is on disk, or counted as lost. */
  drained(): Promise<void>;
  /** Sends what there is for up to `ms`; the rest stays on disk. */
  stop(ms: number): Promise<void>;
}

/** What became of the spans, by sink. */
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

interface Opened {
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
    for (const [name, config] of Object.entries(configs)) {
      const { deliver, close } = deliveryTo(config);
      const { spoolLimitBytes: limitBytes } = config;
      const sink = await openOtlpSink({ ...common, name, deliver, dir, limitBytes, log });
      opened.set(name, { sink, close });
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
  let routes = new Map<string, readonly string[]>();
  let unknown: readonly string[] = [];

  return {
    route(pods) {
      routes = new Map(pods.map(({ uid, sinks }) => [uid, sinks]));
      const missing = [...new Set(pods.flatMap(({ sinks }) => sinks))]
        .filter((name) => !opened.has(name))
        .sort();
      for (const name of missing) {
        if (!unknown.includes(name))
          log.warn({ sink: name }, 'a Tap names a sink that is not configured');
      }
      unknown = missing;
    },
    push(batch) {
      for (const [name, { sink }] of opened) {
        sink.push(batch, (uid) => routes.get(uid)?.includes(name) === true);
      }
    },
    counters: () => ({
      byName: Object.fromEntries([...opened].map(([name, { sink }]) => [name, sink.counters()])),
      unknown,
      removed,
    }),
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

function deliveryTo(config: SinkConfig): { deliver: Deliver; close: () => void } {
  const { protocol, endpoint, headers, token, tokenFile } = config;
  const ca = config.caFile === undefined ? undefined : readCertificate(config.caFile);
  const authorization = createAuthorization({ token, tokenFile, monotonicMs });
  if (protocol === 'grpc') {
    return deliverOverGrpc({
      endpoint,
      ca,
      headers: async () => {
        const value = await authorization();
        return { ...headers, ...(value === undefined ? {} : { authorization: value }) };
      },
    });
  }
  const http = createHttpClient({ url: endpoint, ca, authorization });
  return { deliver: deliverOverHttp(http, headers), close: () => http.close() };
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
