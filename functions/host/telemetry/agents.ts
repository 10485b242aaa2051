import { restEndsMs } from '../../../knative/events.ts';
import type { Observation, Telemetry } from '../telemetry.ts';

/** What the control plane knows of an agent, by its newest start. */
export interface AgentFacts {
  readonly node: string;
  /** When its newest report came, Unix ms. */
  readonly heardAt: number;
  /** Every request that started before this is counted, Unix ms; 0 while nothing counts. */
  readonly watermarkMs: number;
  /** Its newest report says that nothing is open, and that there is none until something changes. */
  readonly resting: boolean;
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
  telemetry.observe('clover.agent.resting', () =>
    each((agent) => [{ value: Number(isResting(agent, now())), attributes: { node: agent.node } }]),
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
    each((agent) =>
      lagOf(agent, now()).map((value) => ({ value, attributes: { node: agent.node } })),
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
    known.map((agent) => [
      `agent/${agent.node}`,
      {
        lastReportSecondsAgo: secondsFrom(agent.heardAt, now()),
        resting: Number(isResting(agent, now())),
        ...Object.fromEntries(lagOf(agent, now()).map((lag) => ['watermarkLagSeconds', lag])),
        missedReports: agent.missedReports,
        ...Object.fromEntries(
          Object.entries(agent.loss).map(([cause, count]) => [`lost.${cause}`, count]),
        ),
      },
    ]),
  );
}

const isResting = ({ resting, heardAt }: AgentFacts, now: number): boolean =>
  resting && now - heardAt <= restEndsMs;

/** How far an agent holds judging back: not at all while nothing of it counts, nor while it rests. */
function lagOf(agent: AgentFacts, now: number): readonly number[] {
  if (agent.watermarkMs === 0 || isResting(agent, now)) return [];
  return [secondsFrom(agent.watermarkMs, now)];
}

/** The clocks of two machines are not one: what is of the future is of now. */
function secondsFrom(at: number, now: number): number {
  return Math.max(0, now - at) / 1_000;
}
