import { z } from 'zod';

/** `KeyValue`s as an object; int64 is a text in protobuf's JSON. */
export const attributeList = z
  .array(z.object({ key: z.string(), value: z.record(z.string(), z.unknown()) }))
  .default([])
  .transform((pairs) =>
    Object.fromEntries(
      pairs.map(({ key, value: { intValue, ...others } }) => [
        key,
        intValue === undefined ? Object.values(others)[0] : Number(intValue),
      ]),
    ),
  );

/** What sent something. */
export const resource = z.object({ attributes: attributeList });

const span = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  traceState: z.string().default(''),
  flags: z.number().default(0),
  name: z.string(),
  kind: z.number(),
  startTimeUnixNano: z.string(),
  endTimeUnixNano: z.string(),
  attributes: attributeList,
  status: z.object({ code: z.number().optional(), message: z.string().optional() }),
  events: z
    .array(z.object({ timeUnixNano: z.string(), name: z.string(), attributes: attributeList }))
    .default([]),
  links: z.array(z.object({ traceId: z.string(), spanId: z.string() })).default([]),
});

/** Schema of `TracesData` of opentelemetry-proto, in JSON. */
export const tracesData = z.object({
  resourceSpans: z.array(
    z.object({
      resource,
      scopeSpans: z.array(
        z.object({ scope: z.object({ name: z.string() }).optional(), spans: z.array(span) }),
      ),
    }),
  ),
});

/** A span as it came over the wire. */
export type ReceivedSpan = z.output<typeof span>;

/** A span with what it came from. */
export interface PlacedSpan extends ReceivedSpan {
  readonly resource: Readonly<Record<string, unknown>>;
  readonly scope: string;
}

/** All spans of one message. */
export function placedSpans({ resourceSpans }: z.output<typeof tracesData>): PlacedSpan[] {
  return resourceSpans.flatMap(({ resource: { attributes }, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) =>
      spans.map((each) => ({ ...each, resource: attributes, scope: scope?.name ?? '' })),
    ),
  );
}
