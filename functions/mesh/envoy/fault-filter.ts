import type { FaultForm } from '../traffic-form.ts';
import type { Json } from './resources.ts';

/** Name of Envoy's fault filter. */
export const faultFilter = 'envoy.filters.http.fault';

/** Type of its configuration. */
export const faultType = 'type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault';

/** Configuration of Envoy's fault filter. */
export function renderFault({ delay, abort }: FaultForm): Record<string, Json> {
  return {
    '@type': faultType,
    ...(delay && { delay: { fixed_delay: seconds(delay.ms), percentage: share(delay.percent) } }),
    ...(abort && { abort: { http_status: abort.status, percentage: share(abort.percent) } }),
  };
}

/** Milliseconds as protobuf's JSON has a duration. */
export function seconds(ms: number): string {
  return `${ms / 1_000}s`;
}

function share(percent: number): Json {
  return { numerator: Math.round(percent * 10_000), denominator: 'MILLION' };
}
