import type { Tone } from '../output/colour.ts';
import type { Column } from '../output/table.ts';
import { codeText } from './status.ts';
import type { Endpoint, TracedSpan } from './traced-span.ts';

const endpointText = ({ address, port }: Endpoint): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

/** What was asked: names of spans leave out what has many values. */
function nameText({ name, attributes }: TracedSpan): string {
  const more =
    attributes['url.path'] ?? attributes['dns.question.name'] ?? attributes['sip.request.uri'];
  return more === undefined ? name : `${name} ${String(more)}`;
}

function statusText({ attributes, incomplete }: TracedSpan): string {
  const failed = attributes['error.type'];
  const text = codeText(attributes) ?? (failed === undefined ? '-' : String(failed));
  return incomplete ? `${text}?` : text;
}

const statusTone = (_: string, { attributes, incomplete }: TracedSpan): Tone | undefined =>
  attributes['error.type'] !== undefined ? 'bad' : incomplete ? 'doubtful' : undefined;

function durationText({ durationMs }: TracedSpan): string {
  if (durationMs >= 10_000) return `${(durationMs / 1_000).toFixed(1)}s`;
  return `${durationMs.toFixed(durationMs < 10 ? 3 : 1)}ms`;
}

/** The table of `trace`. */
export const spanColumns: readonly Column<TracedSpan>[] = [
  // HH:MM:SS and microseconds, in UTC.
  { head: 'TIME', cell: ({ start }) => start.slice(11, 26), whole: true },
  { head: 'CLIENT', cell: ({ client }) => endpointText(client), least: 15 },
  { head: 'SERVER', cell: ({ server }) => endpointText(server), least: 15 },
  { head: 'PROTOCOL', cell: ({ protocol }) => protocol },
  { head: 'STATUS', cell: statusText, tone: statusTone },
  { head: 'DURATION', cell: durationText, align: 'right' },
  { head: 'NAME', cell: nameText, least: 24 },
];
