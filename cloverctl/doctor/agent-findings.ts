import { z } from 'zod';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import type { Clock } from '../../functions/lib/clock.ts';
import { version } from '../../functions/lib/version.ts';
import { agent, agentPort } from '../../knative/render/agent/names.ts';
import type { AskPod } from '../installation/ask-pod.ts';
import { collectionPath } from '../installation/collections.ts';
import type { Finding } from './finding.ts';
import { judgeLedger, readLedger, type CapturePoint } from './agent-ledger.ts';

const pods = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      spec: z.object({ nodeName: z.string().default('') }),
      status: z.object({ phase: z.string().default('') }).prefault({}),
    }),
  ),
});

/** How agents are asked. */
export interface AgentQuestions {
  readonly client: KubeClient;
  readonly ask: AskPod;
  readonly clock: Pick<Clock, 'now'>;
}

/** What the agents of an installation say. */
export interface AgentAnswers {
  /** Of each agent; one that cannot be asked is told of, too. */
  readonly findings: readonly Finding[];
  /** Where those that answered see pods. */
  readonly points: readonly CapturePoint[];
}

/** Asks each agent of an installation. */
export async function agentAnswers(
  { client, ask, clock }: AgentQuestions,
  namespace: string,
): Promise<AgentAnswers> {
  const path = collectionPath({ apiVersion: 'v1', plural: 'pods', namespace });
  const labelSelector = `app.kubernetes.io/name=${agent},app.kubernetes.io/instance=${namespace}`;
  const answer = await client.call({ method: 'GET', path, query: { labelSelector } });
  const running = pods.parse(answer).items.filter(({ status }) => status.phase === 'Running');
  const found = await Promise.all(
    running.map(async ({ metadata: { name: pod }, spec: { nodeName: node } }) => {
      const askedAt = clock.now();
      try {
        const ledger = readLedger(await ask({ namespace, pod, port: agentPort }, '/ledger'));
        const asked = { version, askedAt, answeredAt: clock.now() };
        const { points } = ledger.attachments;
        return { findings: judgeLedger(node, ledger, asked), points };
      } catch (error) {
        return { findings: [unanswered(node, error)], points: [] };
      }
    }),
  );
  return {
    findings: found.flatMap(({ findings }) => findings),
    points: found.flatMap(({ points }) => points),
  };
}

function unanswered(node: string, error: unknown): Finding {
  const found = error instanceof Error ? error.message : String(error);
  const fix =
    'it takes the verb create on pods/portforward; kubectl logs tells what the agent does';
  return { check: `agent on ${node}`, state: 'doubtful', found, fix };
}
