import { join } from 'node:path';
import { makeNetwork } from '../node/network.ts';
import { startReceivers, type Receivers } from '../observe/receivers.ts';
import { startKnative, type KnativeTier } from './knative.ts';
import type { NodeOptions } from './node.ts';

/** Knative whose parts tell of each request, and those who listen. */
export interface ObserveTier extends KnativeTier, Receivers {
  /** Where they answer, by their names. */
  readonly urls: Readonly<Record<string, string>>;
}

/**
 * Starts the tier; resolves when all of it can be used. Pods and the machine reach the receivers at the network's host address.
 * @throws Error as the tier `knative` does, and when a receiver does not start.
 */
export async function startObserve(options: NodeOptions): Promise<ObserveTier> {
  const { run, supervisor, programs } = options;
  const network = await makeNetwork(run);
  const folder = join(run.path, 'observe');
  const receivers = await startReceivers({ supervisor, programs, folder, address: network.host });
  const { collector, jaeger, prometheus } = receivers;
  const knative = await startKnative({
    ...options,
    network,
    settings: { 'config-observability': tracesTo(collector.http) },
  });
  return {
    ...knative,
    ...receivers,
    urls: { collector: collector.http, jaeger: jaeger.url, prometheus: prometheus.url },
  };
}

/** https://knative.dev/docs/serving/observability/tracing/ */
function tracesTo(otlp: string): Readonly<Record<string, string>> {
  return {
    'tracing-protocol': 'http/protobuf',
    'tracing-endpoint': `${otlp}/v1/traces`,
    'tracing-sampling-rate': '1',
  };
}
