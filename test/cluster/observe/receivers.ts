import { mkdirSync } from 'node:fs';
import type { Supervisor } from '../../../cloverctl/supervisor/processes.ts';
import type { Programs } from '../build.ts';
import { startCollector, type Collector } from './collector.ts';
import { startJaeger, type Jaeger } from './jaeger.ts';
import { startPrometheus, type Prometheus } from './prometheus.ts';

/** Who takes telemetry: a Collector, which gives traces to a Jaeger and metrics to a Prometheus. */
export interface Receivers {
  readonly collector: Collector;
  readonly jaeger: Jaeger;
  readonly prometheus: Prometheus;
}

/** Options of {@link startReceivers}. */
export interface ReceiverOptions {
  readonly supervisor: Supervisor;
  readonly programs: Programs;
  /** Folder for their files; made if it is missing. */
  readonly folder: string;
  /** The address that they listen at. */
  readonly address: string;
}

/**
 * Starts them; resolves when all of them take telemetry. They need no cluster.
 * @throws CloverError CLV_INTERNAL with the end of a log when one does not in half a minute.
 */
export async function startReceivers(options: ReceiverOptions): Promise<Receivers> {
  const { supervisor, programs, folder, address } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const siteOf = (name: string) => ({
    supervisor,
    program: programs[name] ?? name,
    folder,
    address,
  });
  const [jaeger, prometheus] = await Promise.all([
    startJaeger(siteOf('jaeger')),
    startPrometheus(siteOf('prometheus')),
  ]);
  const collector = await startCollector(siteOf('collector'), {
    traces: jaeger.otlp,
    metrics: prometheus.otlp,
  });
  return { collector, jaeger, prometheus };
}
