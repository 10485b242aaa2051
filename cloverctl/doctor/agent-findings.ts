import { z } from 'zod';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import type { Clock } from '../../functions/lib/clock.ts';
import { version } from '../../functions/lib/version.ts';
import { agent, agentPort } from '../../knative/render/agent/names.ts';
import type { AskPod } from '../installation/ask-pod.ts';
import { collectionPath } from '../installation/collections.ts';
import type { Finding } from './finding.ts';
import { judgeLedger, readLedger } from './agent-ledger.ts';

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

/** What each agent of an installation says of itself; one that cannot be asked is told of, too. */
export async function agentFindings(
  { client, ask, clock }: AgentQuestions,
  namespace: string,
): Promise<readonly Finding[]> {
  const path = collectionPath({ apiVersion: 'v1', plural: 'pods', namespace });
  const labelSelector = `app.kubernetes.io/name=${agent},app.kubernetes.io/instance=${namespace}`;
  const answer = await client.call({ method: 'GET', path, query: { labelSelector } });
  const running = pods.parse(answer).items.filter(({ status }) => status.phase === 'Running');
  const found = await Promise.all(
    running.map(async ({ metadata: { name: pod }, spec: { nodeName: node } }) => {
      const askedAt = clock.now();
      try {
        const ledger = readLedger(await ask({ namespace, pod, port: agentPort }, '/ledger'));
        return judgeLedger(node, ledger, { version, askedAt, answeredAt: clock.now() });
      } catch (error) {
        return [unanswered(node, error)];
      }
    }),
  );
  return found.flat();
}

function unanswered(node: string, error: unknown): Finding {
  const found = error instanceof Error ? error.message : String(error);
  const fix =
    'it takes the verb create on pods/portforward; kubectl logs tells what the agent does';
  return { check: `agent on ${node}`, state: 'doubtful', found, fix };
}
