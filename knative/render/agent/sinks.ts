import { z } from 'zod';
import { httpUrl } from '../../http-url.ts';
import { otlpHeaders, sinkName } from '../../sink-values.ts';
import { secretKey } from '../installation-values.ts';
import { bytesOf } from '../quantity.ts';
import { mounts } from './names.ts';
import { spoolQuantity } from './spool-size.ts';

/** Collectors of spans and access logs, by the names that Taps have for them. */
export const sinkSettings = z.record(
  sinkName,
  z.strictObject({
    /** Base URL, as `OTEL_EXPORTER_OTLP_ENDPOINT` names it. */
    endpoint: httpUrl,
    protocol: z.enum(['http', 'grpc']).default('http'),
    /** What is no secret. */
    headers: otlpHeaders.default({}),
    /** Where the token is that goes along as `authorization: Bearer`. */
    tokenSecret: secretKey.exactOptional(),
    /** Where the PEM is of who signs the receiver. */
    caSecret: secretKey.exactOptional(),
    /** What waits on each node, at most. */
    spoolSize: spoolQuantity.default('64Mi'),
  }),
);

/** See {@link sinkSettings}. */
export type SinkSettings = z.output<typeof sinkSettings>;

/** The sinks as `agent/config.ts` reads them. */
export function sinksConfiguration(sinks: SinkSettings): object {
  return Object.fromEntries(
    Object.entries(sinks).map(([name, sink]) => {
      const { endpoint, protocol, headers, tokenSecret, caSecret, spoolSize } = sink;
      const fields = {
        endpoint,
        protocol,
        headers,
        ...(tokenSecret && { tokenFile: `${mounts.sinks}/${tokenFile(name)}` }),
        ...(caSecret && { caFile: `${mounts.sinks}/${caFile(name)}` }),
        spoolLimitBytes: bytesOf(spoolSize),
      };
      return [name, fields];
    }),
  );
}

/** Sources of the volume with what is secret of sinks; none where nothing is. */
export function sinkSecrets(sinks: SinkSettings) {
  return Object.entries(sinks).flatMap(([name, { tokenSecret, caSecret }]) =>
    [
      tokenSecret && source(tokenSecret, tokenFile(name)),
      caSecret && source(caSecret, caFile(name)),
    ].filter((one) => one !== undefined),
  );
}

const tokenFile = (sink: string): string => `${sink}/token`;
const caFile = (sink: string): string => `${sink}/ca.pem`;

function source({ name, key }: z.output<typeof secretKey>, path: string) {
  return { secret: { name, items: [{ key, path }] } };
}
