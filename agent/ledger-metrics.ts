import type { TextFamily } from '../functions/lib/metrics/prometheus-text.ts';
import type { Series } from '../functions/lib/metrics/series.ts';
import type { CaptureLedger, RequestCounts } from '../native/capture/types.ts';
import type { AttachmentCounters } from './attachments.ts';
import { by, counter, gauge } from './metric-families.ts';
import type { SinkBuckets, SinkCount } from './sink-ledger.ts';

/** The books of an agent at one moment. */
export interface Books {
  readonly capture: Omit<CaptureLedger, 'connections' | 'sockets' | 'takenOver'>;
  /** What became of this boot's spans, by sink; of records of access logs as `<sink>.logs`. */
  readonly sinks: Readonly<Record<string, SinkBuckets & { readonly pending: SinkCount }>>;
  readonly attachments: Pick<AttachmentCounters, 'attached' | 'waiting' | 'failures'>;
}

/** The ledger for Prometheus: what of the wire was seen, and where each byte, request and span of it is. */
export function ledgerFamilies({ capture, sinks, attachments }: Books): TextFamily[] {
  const { wire, bytes, requests, sessions, accessLog, headerFields } = capture;
  return [
    counter('wire_segments', 'Segments and datagrams that the kernel program saw.', wire.segments),
    counter('wire_lost_segments', 'Those that never came up, by cause.', by('cause', wire.lost)),
    counter(
      'wire_other_packets',
      'Packets of IP without TCP or UDP that could be read, by what they carry.',
      by('carries', wire.otherPackets),
    ),
    counter('wire_bytes', 'Bytes of payload that the kernel program saw.', wire.payloadBytes),
    counter('parsed_bytes', 'Bytes of payload that a parser read.', bytes.parsed),
    counter(
      'skipped_bytes',
      'Those that nobody had to read, by reason.',
      by('reason', bytes.skipped),
    ),
    counter('lost_bytes', 'Those that were missing, by cause.', by('cause', bytes.lost)),
    gauge('pending_bytes', 'Those that wait for others.', bytes.pending),
    ...countedFamilies('', 'requests', requests),
    ...countedFamilies('session_', 'sessions', sessions),
    counter('access_log_records', 'Records of access logs.', accessLog.records),
    counter('access_log_lost_records', 'Those that nobody took in time.', accessLog.lost),
    counter(
      'header_fields',
      'Fields of headers that may refer to earlier ones.',
      headerFields.read,
    ),
    counter(
      'header_fields_unknown',
      'Those that were named before the agent came.',
      headerFields.unknown,
    ),
    counter(
      'sink_accepted',
      'What a sink has taken: spans (`signal` is `traces`) or records (`logs`).',
      bySink(sinks, ({ accepted }) => [[[], accepted.spans]]),
    ),
    counter(
      'sink_lost',
      'What was lost on its way to a sink, by cause; `rejected`: the sink does not want it.',
      bySink(sinks, ({ lost, rejected }) => [
        [[['cause', 'rejected']], rejected.spans],
        ...Object.entries(lost).map(([cause, { spans }]): Part => [[['cause', cause]], spans]),
      ]),
    ),
    gauge(
      'sink_pending',
      'What waits for a sink, in memory or in its spool.',
      bySink(sinks, ({ pending }) => [[[], pending.spans]]),
    ),
    gauge('points_attached', 'Points at which pods are traced.', attachments.attached),
    gauge('pods_waiting', 'Selected pods that are nowhere to be seen yet.', attachments.waiting),
    counter(
      'attach_failures',
      'Times that a point could not be attached to.',
      attachments.failures,
    ),
  ];
}

const countedFamilies = (
  prefix: string,
  what: 'requests' | 'sessions',
  { seen, spans, sampledOut, open, lost }: RequestCounts,
): TextFamily[] => {
  const such = what === 'requests' ? 'Requests' : 'Sessions of WebSocket';
  const sum = `${such} that were seen: spans, sampled out, open and lost ones add up to it.`;
  return [
    counter(what, sum, seen),
    counter(`${prefix}spans`, `${such} that became spans.`, spans),
    counter(
      `${prefix}sampled_out`,
      `${such} that ended, and of which no span is kept.`,
      sampledOut,
    ),
    counter(`lost_${what}`, `${such} that were lost, by cause.`, by('cause', lost)),
    gauge(`open_${what}`, `${such} that have not ended.`, open),
  ];
};

type Labels = Series['labels'];
type Part = readonly [labels: Labels, value: number];

/** Records have a queue of their own at each sink. */
function bySink(sinks: Books['sinks'], parts: (of: Books['sinks'][string]) => readonly Part[]) {
  return Object.entries(sinks).flatMap(([name, of]) => {
    const signal = name.endsWith('.logs') ? 'logs' : 'traces';
    const own: Labels = [
      ['sink', name.replace(/\.logs$/, '')],
      ['signal', signal],
    ];
    return parts(of).map(([labels, value]) => ({ labels: [...own, ...labels], value }));
  });
}
