import type { Log } from '../../lib/log.ts';
import { createTelemetry, type ProcessTelemetry } from './create-telemetry.ts';
import { telemetrySettings } from './settings.ts';

/** What {@link functionTelemetry} needs. */
export interface FunctionTelemetryOptions {
  /** Name of the function. */
  readonly name: string;
  /** `OTEL_*`; `K_SERVICE` and `K_REVISION` of Knative. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
}

/**
 * Telemetry of a function that is a process of its own. It is sent and not scraped: Knative takes instances away between
 * two scrapes. The resource is the service and its revision, by the semantic conventions for FaaS; what the `OTEL_*`
 * variables say themselves goes before it.
 * @returns undefined when nothing is to be sent.
 */
export function functionTelemetry({
  name,
  env,
  log,
}: FunctionTelemetryOptions): ProcessTelemetry | undefined {
  const { K_SERVICE: service = name, K_REVISION: revision } = env;
  const file = {
    metrics: false,
    protocol: 'http/protobuf',
    headers: {},
    serviceName: service,
    sampleRatio: 1,
  } as const;
  const settings = telemetrySettings(file, env);
  if (!settings.send) return undefined;
  const resource = {
    'faas.name': service,
    ...(revision === undefined ? {} : { 'faas.version': revision }),
  };
  const given = env['OTEL_RESOURCE_ATTRIBUTES'] ?? '';
  const variables = { ...settings.variables, OTEL_RESOURCE_ATTRIBUTES: merged(given, resource) };
  return createTelemetry({ settings: { ...settings, variables }, log });
}

/** The list of OTEL_RESOURCE_ATTRIBUTES with what it does not name itself; values are percent-encoded. */
function merged(given: string, more: Readonly<Record<string, string>>): string {
  const pairs = given.split(',').filter((pair) => pair.trim() !== '');
  const named = new Set(pairs.map((pair) => pair.split('=', 1)[0]?.trim()));
  const added = Object.entries(more).filter(([name]) => !named.has(name));
  const own = added.map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return [...pairs, ...own].join(',');
}
