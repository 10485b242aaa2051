import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../lib/log.ts';
import { noTelemetry, type Telemetry, type TelemetryAttributes } from '../telemetry.ts';
import { createEarlySpans } from './early-spans.ts';
import type { MetricName } from './metrics.ts';
import type { OpenTelemetry } from './open-telemetry.ts';
import { prometheusContentType, prometheusText } from '../../lib/metrics/prometheus-text.ts';
import { createMetricRegistry } from './registry.ts';
import type { TelemetrySettings } from './settings.ts';

/** Telemetry of a process with its own beginning. */
export interface ProcessTelemetry extends Telemetry {
  /**
   * Notes the cold start, and has the SDK loaded a moment later if something is to be sent: to be called once the
   * process is ready.
   * @param initMs from the start of the process to ready.
   */
  ready(initMs: number): void;
}

/** Options of {@link createTelemetry}. */
export interface TelemetryOptions {
  readonly settings: TelemetrySettings;
  readonly log: Log;
}

const shutdownMs = 3_000;
/** Loading the SDK holds up the loop: the request that a cold start is for goes first. */
const loadAfterMs = 250;
/** Values of histograms that wait for the SDK. */
const earlyLimit = 10_000;

/** Telemetry as the settings want it: nothing, `/metrics`, or both that and sending by OpenTelemetry's SDK. */
export function createTelemetry({ settings, log }: TelemetryOptions): ProcessTelemetry {
  if (!settings.metrics && !settings.send) return { ...noTelemetry, ready: () => undefined };
  const registry = createMetricRegistry();
  const spans = settings.traces ? createEarlySpans() : undefined;
  let early: [MetricName, number, TelemetryAttributes][] = [];
  let sdk: OpenTelemetry | undefined;
  let loading: Promise<void> | undefined;

  const record = (name: MetricName, value: number, attributes: TelemetryAttributes = {}): void => {
    registry.record(name, value, attributes);
    if (sdk !== undefined) sdk.record(name, value, attributes);
    else if (settings.send && early.length < earlyLimit) early.push([name, value, attributes]);
  };

  const load = async (): Promise<void> => {
    try {
      const { startOpenTelemetry } = await import('./open-telemetry.ts');
      const started = startOpenTelemetry({ registry, variables: settings.variables, log });
      for (const value of early) started.record(...value);
      spans?.adopt(started.startSpan);
      sdk = started;
    } catch (error) {
      log.error({ err: error }, 'OpenTelemetry does not start: nothing is sent');
      spans?.abandon();
    }
    early = [];
  };

  let timer: NodeJS.Timeout | undefined;
  const begin = (): Promise<void> => {
    clearTimeout(timer);
    loading ??= load();
    return loading;
  };

  return {
    span: (name, start) => (spans ?? noTelemetry).span(name, start),
    count: (name, value, attributes) => registry.count(name, value, attributes),
    record,
    observe: (name, read) => registry.observe(name, read),
    ...(settings.metrics
      ? {
          scrape: async () => ({
            contentType: prometheusContentType,
            body: prometheusText(await registry.collect()),
          }),
        }
      : {}),
    ready: (initMs) => {
      registry.count('faas.coldstarts', 1);
      record('faas.init_duration', initMs / 1_000);
      if (settings.send) timer ??= setTimeout(() => void begin(), loadAfterMs);
    },
    shutdown: async () => {
      // A process that ends before that has something to send all the same.
      if (timer !== undefined) await begin();
      await inTime(async () => sdk?.shutdown(), log);
    },
  };
}

/** A receiver that is down must not hold up the end of the process. */
async function inTime(end: () => Promise<void>, log: Log): Promise<void> {
  const late = new AbortController();
  const limit = delay(shutdownMs, 'late', { signal: late.signal }).catch(() => 'aborted');
  try {
    const outcome = await Promise.race([end(), limit]);
    if (outcome === 'late') log.warn({ ms: shutdownMs }, 'telemetry was not sent in time');
  } catch (error) {
    log.warn({ err: error }, 'the last telemetry was not sent');
  } finally {
    late.abort();
  }
}
