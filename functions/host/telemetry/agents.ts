import type { Observation, Telemetry } from '../telemetry.ts';

/** What the control plane knows of an agent, by its newest start. */
export interface AgentFacts {
  readonly node: string;
  /** When its newest report came, Unix ms. */
  readonly heardAt: number;
  /** Every request that started before this is counted, Unix ms; 0 while nothing counts. */
  readonly watermarkMs: number;
  readonly missedReports: number;
  /** Cumulative since the start of the agent, by cause. */
  readonly loss: Readonly<Record<string, number>>;
}

/** Where the facts come from. */
export interface AgentSource {
  /** Agents that reported since then, Unix ms. */
  readonly agents: (since: number) => Promise<readonly AgentFacts[]>;
  /** Unix ms. */
  readonly now: () => number;
}

/** An agent that was silent for this long is not shown any more: its node is gone. */
const goneMs = 3_600_000;

/** Has the metrics of agents read: what they reported last, and what they lost. */
export function observeAgents(telemetry: Telemetry, { agents, now }: AgentSource): void {
  const each = async (
    read: (agent: AgentFacts) => readonly Observation[],
  ): Promise<Observation[]> => (await agents(now() - goneMs)).flatMap(read);
  telemetry.observe('clover.agent.last_report.age', () =>
    each(({ node, heardAt }) => [{ value: secondsFrom(heardAt, now()), attributes: { node } }]),
  );
  telemetry.observe('clover.agent.reports.missed', () =>
    each(({ node, missedReports }) => [{ value: missedReports, attributes: { node } }]),
  );
  telemetry.observe('clover.agent.loss', () =>
    each(({ node, loss }) =>
      Object.entries(loss).map(([cause, value]) => ({ value, attributes: { node, cause } })),
    ),
  );
  telemetry.observe('clover.evidence.watermark.lag', () =>
    each(({ node, watermarkMs }) =>
      watermarkMs === 0 ? [] : [{ value: secondsFrom(watermarkMs, now()), attributes: { node } }],
    ),
  );
}

/** The same as parts of the host's status: `agent/<node>` → name → value. */
export async function agentStatus({
  agents,
  now,
}: AgentSource): Promise<Readonly<Record<string, Readonly<Record<string, number>>>>> {
  const known = await agents(now() - goneMs);
  return Object.fromEntries(
    known.map(({ node, heardAt, watermarkMs, missedReports, loss }) => [
      `agent/${node}`,
      {
        lastReportSecondsAgo: secondsFrom(heardAt, now()),
        ...(watermarkMs === 0 ? {} : { watermarkLagSeconds: secondsFrom(watermarkMs, now()) }),
        missedReports,
        ...Object.fromEntries(
          Object.entries(loss).map(([cause, count]) => [`lost.${cause}`, count]),
        ),
      },
    ]),
  );
}

/** The clocks of two machines are not one: what is of the future is of now. */
function secondsFrom(at: number, now: number): number {
  return Math.max(0, now - at) / 1_000;
}
