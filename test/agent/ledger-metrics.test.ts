import test from 'ava';
import { ledgerFamilies } from '../../agent/ledger-metrics.ts';
import { prometheusText } from '../../functions/lib/metrics/prometheus-text.ts';
import { emptyLedger } from './helpers/memory-capture.ts';
import { makeBed } from './helpers/test-agent.ts';

/** The samples of the ledger, without their common beginning. */
const samplesOf = (text: string): readonly string[] =>
  text.split('\n').flatMap((line) => /^clover_agent_(?!sockets)(.*)$/.exec(line)?.[1] ?? []);

const count = (spans: number) => ({ batches: 1, spans });
const none = { batches: 0, spans: 0 };

test('the ledger tells each byte, request and span in its place, and losses by cause', (t) => {
  const capture = {
    ...emptyLedger,
    wire: {
      ...emptyLedger.wire,
      segments: 9,
      payloadBytes: 1_000,
      lost: { ring_full: 2 },
      otherPackets: { sctp: 3 },
    },
    bytes: { parsed: 700, skipped: { tls: 200, body: 50 }, lost: { hole: 40 }, pending: 10 },
    requests: { seen: 20, spans: 12, sampledOut: 3, open: 4, lost: { detached: 1 } },
    sessions: { seen: 7, spans: 4, sampledOut: 1, open: 0, lost: { hole: 2 } },
    accessLog: { records: 5, lost: 1 },
    headerFields: { read: 30, unknown: 6 },
  };
  const traces = { entered: count(12), accepted: count(7), rejected: count(1) };
  const sinks = {
    ingest: { ...traces, lost: { spool_full: count(2) }, pending: count(2) },
    'jaeger.logs': { ...traces, rejected: none, lost: {}, pending: count(5) },
  };
  const attachments = { attached: 3, waiting: 1, failures: 2 };
  const text = prometheusText(ledgerFamilies({ capture, sinks, attachments }));
  t.deepEqual(samplesOf(text), [
    'wire_segments_total 9',
    'wire_lost_segments_total{cause="ring_full"} 2',
    'wire_other_packets_total{carries="sctp"} 3',
    'wire_bytes_total 1000',
    'parsed_bytes_total 700',
    'skipped_bytes_total{reason="tls"} 200',
    'skipped_bytes_total{reason="body"} 50',
    'lost_bytes_total{cause="hole"} 40',
    'pending_bytes 10',
    'requests_total 20',
    'spans_total 12',
    'sampled_out_total 3',
    'lost_requests_total{cause="detached"} 1',
    'open_requests 4',
    'sessions_total 7',
    'session_spans_total 4',
    'session_sampled_out_total 1',
    'lost_sessions_total{cause="hole"} 2',
    'open_sessions 0',
    'access_log_records_total 5',
    'access_log_lost_records_total 1',
    'header_fields_total 30',
    'header_fields_unknown_total 6',
    'sink_accepted_total{sink="ingest",signal="traces"} 7',
    'sink_accepted_total{sink="jaeger",signal="logs"} 7',
    'sink_lost_total{sink="ingest",signal="traces",cause="rejected"} 1',
    'sink_lost_total{sink="ingest",signal="traces",cause="spool_full"} 2',
    'sink_lost_total{sink="jaeger",signal="logs",cause="rejected"} 0',
    'sink_pending{sink="ingest",signal="traces"} 2',
    'sink_pending{sink="jaeger",signal="logs"} 5',
    'points_attached 3',
    'pods_waiting 1',
    'attach_failures_total 2',
  ]);
});

test('the agent serves its ledger to a Prometheus', async (t) => {
  const bed = await makeBed(t);
  const { agent, capture } = await bed.start();
  capture.finish(3);
  const answer = await fetch(`http://127.0.0.1:${agent.port}/metrics`);
  const samples = samplesOf(await answer.text());
  t.true(samples.includes('requests_total 3'), samples.join('\n'));
  t.true(samples.includes('spans_total 3'));
  t.true(samples.includes('sink_pending{sink="ingest",signal="traces"} 0'));
});
