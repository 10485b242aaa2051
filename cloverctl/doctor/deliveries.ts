import { z } from 'zod';
import type { Finding } from './finding.ts';

const count = z.object({ batches: z.number(), spans: z.number() });
const buckets = z.object({
  accepted: count,
  rejected: count,
  lost: z.record(z.string(), count),
  pending: count,
});
const sink = buckets.extend({ inherited: buckets });

/** What an agent's ledger says of what it sends. */
export const deliveries = z.object({
  /** To ingest, of this start of the agent and of those before. */
  sink: buckets,
  inherited: buckets,
  /** Why ingest took nothing of late; absent while it takes what it is sent. */
  ingestRefusal: z.string().exactOptional(),
  sinks: z.object({ byName: z.record(z.string(), sink), unknown: z.array(z.string()) }),
  evidence: z.object({ failing: z.boolean().default(false) }),
});

/** See {@link deliveries}. */
export type Deliveries = z.output<typeof deliveries>;

/** More wait only where they are not taken: an agent makes one or two a second. */
const mostWaiting = 10;

/** Whether what an agent sends arrives. */
export function judgeDeliveries(node: string, told: Deliveries): readonly Finding[] {
  const { sinks, evidence, ingestRefusal } = told;
  return [
    judgeSink(`from ${node} to ingest`, [told.sink, told.inherited], { refusal: ingestRefusal }),
    ...Object.entries(sinks.byName).map(([name, one]) =>
      judgeSink(`from ${node} to ${name}`, [one, one.inherited], {
        unit: name.endsWith('.logs') ? 'records' : 'spans',
      }),
    ),
    ...sinks.unknown.map((name): Finding => ({
      check: `from ${node} to ${name}`,
      state: 'doubtful',
      found: 'a Tap names this sink, and the agent knows none of the name',
      fix: 'mend spec.sinks of the Tap, or say it in agent.sinks of the installation',
    })),
    evidence.failing
      ? {
          check: `evidence of ${node}`,
          state: 'bad',
          found:
            'the last report was not taken, and no Experiment is judged by what this node sees',
          fix: "the agent's log says why (kubectl logs): Broker or control plane, or the agent's token",
        }
      : { check: `evidence of ${node}`, state: 'good', found: 'the last report was taken' },
  ];
}

/** @param starts what became of the spans, or the records of the access log, of this start of the agent, and of those before. */
function judgeSink(
  check: string,
  starts: readonly z.output<typeof buckets>[],
  {
    unit = 'spans',
    refusal,
  }: {
    readonly unit?: 'spans' | 'records';
    readonly refusal?: string | undefined;
  },
): Finding {
  const sum = (one: (start: z.output<typeof buckets>) => number): number =>
    starts.reduce((all, start) => all + one(start), 0);
  const causes = new Set(starts.flatMap(({ lost }) => Object.keys(lost)));
  const losses = [
    ['rejected', sum(({ rejected }) => rejected.spans)] as const,
    ...[...causes].map((cause) => [cause, sum(({ lost }) => lost[cause]?.spans ?? 0)] as const),
  ].flatMap(([cause, spans]) => (spans > 0 ? [`${cause} ${spans}`] : []));
  const said = refusal === undefined ? '' : ` (${refusal})`;
  const waits = sum(({ pending }) => pending.batches) > mostWaiting;
  const found = [
    `${sum(({ accepted }) => accepted.spans)} ${unit} taken`,
    ...(waits ? [`${sum(({ pending }) => pending.spans)} wait${said}`] : []),
    ...(losses.length > 0 ? [`lost: ${losses.join(', ')}`] : []),
  ].join('; ');
  if (!waits && losses.length === 0) return { check, state: 'good', found };
  const fix =
    "the agent's log says who does not take them (kubectl logs; ingest takes none without ClickHouse), docs/telemetry.md what the causes mean";
  return { check, state: 'doubtful', found, fix };
}
