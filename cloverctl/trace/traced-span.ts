import type { Attributes, OtlpSpan } from './otlp-spans.ts';
import { protocolOf, type Protocol } from './protocol.ts';
import { statusOf } from './status.ts';

/** One end of a conversation. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** A request as `trace --json` shows it, one on each line, or what follows one: a session of WebSocket. */
export interface TracedSpan {
  readonly kind: (typeof kinds)[number];
  readonly protocol: Protocol;
  readonly name: string;
  /** RFC 3339 with nanoseconds. */
  readonly start: string;
  readonly durationMs: number;
  /** The protocol's own code, a text where it is one; null without an answer, or where an answer has none. */
  readonly status: number | string | null;
  readonly client: Endpoint;
  readonly server: Endpoint;
  /** Of protocols with several streams on a connection, else null. */
  readonly streamId: number | null;
  /** A part of it was not in the file. */
  readonly incomplete: boolean;
  readonly attributes: Attributes;
  /** What happened on the way, where the protocol tells that. */
  readonly events?: readonly {
    readonly name: string;
    readonly time: string;
    readonly attributes: Attributes;
  }[];
}

const kinds = ['span', 'session'] as const;

/** Unix nanoseconds as RFC 3339, all nine digits of them. */
export function nanosecondTime(ns: bigint): string {
  const second = 1_000_000_000n;
  const whole = new Date(Number(ns / second) * 1_000).toISOString().slice(0, 19);
  return `${whole}.${String(ns % second).padStart(9, '0')}Z`;
}

const server = 2;

/** Not conventions' attributes, but fields of their own. */
const ownFields: ReadonlySet<string> = new Set(['clover.incomplete', 'clover.stream_id']);

/** A span of the core as it is shown. */
export function tracedSpan(span: OtlpSpan): TracedSpan {
  const { attributes, startNs, endNs, events } = span;
  const end = (which: 'local' | 'peer'): Endpoint => ({
    address: String(attributes[`network.${which}.address`] ?? ''),
    port: Number(attributes[`network.${which}.port`] ?? 0),
  });
  const isServer = span.kind === server;
  const protocol = protocolOf(attributes);
  const streamId = attributes['clover.stream_id'];
  return {
    kind: attributes['network.protocol.name'] === 'websocket' ? 'session' : 'span',
    protocol,
    name: span.name,
    start: nanosecondTime(startNs),
    durationMs: Number(endNs - startNs) / 1e6,
    status: statusOf(protocol, attributes),
    client: end(isServer ? 'peer' : 'local'),
    server: end(isServer ? 'local' : 'peer'),
    streamId: typeof streamId === 'number' ? streamId : null,
    incomplete: attributes['clover.incomplete'] === true,
    attributes: Object.fromEntries(
      Object.entries(attributes).filter(([name]) => !ownFields.has(name)),
    ),
    ...(events.length > 0 && {
      events: events.map(({ name, timeNs, attributes: own }) => ({
        name,
        time: nanosecondTime(timeNs),
        attributes: own,
      })),
    }),
  };
}

/** Whether a line that was read again is one. */
export function isTracedSpan(value: unknown): value is TracedSpan {
  return (
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    kinds.some((kind) => kind === value.kind)
  );
}
