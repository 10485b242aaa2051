import { z } from 'zod';
import { CloverError } from '../../functions/lib/errors.ts';
import { version } from '../../functions/lib/version.ts';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { titleOf, type Place } from '../installation/collections.ts';
import { isDataAlone } from '../installation/delete-objects.ts';
import { discover, type Findings } from '../installation/discover.ts';
import { inventoryPlace, readInventory, type Inventory } from '../installation/inventory.ts';
import { olderKubernetesFix } from '../installation/kubernetes-version.ts';
import { findLive } from '../installation/live-object.ts';
import { otherInstallations, wishesToSeeOthers } from '../installation/other-installations.ts';
import { refusedWishes, wishesFor, wishText } from '../installation/permissions.ts';
import { canBeWaitedFor, readinessOf } from '../installation/readiness.ts';
import { remainsOf } from '../installation/remains.ts';
import { troublesOf } from '../installation/troubles.ts';
import { hasVolatileDatabases, volatileDatabases } from '../installation/volatile-databases.ts';
import { agentAnswers, type AgentQuestions } from './agent-findings.ts';
import { clickHouseFinding } from './clickhouse-finding.ts';
import { encryptionFindings } from './encryption-findings.ts';
import type { Finding } from './finding.ts';
import { olderKernelFix } from './kernel.ts';
import { networkFindings } from './network-findings.ts';
import { partFindings } from './part-findings.ts';
import { sendersCheck, sendersFinding } from './senders-finding.ts';
import { subscriberFindings } from './subscriber-findings.ts';
import { webhookFinding } from './webhook-finding.ts';

const nodeList = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      status: z.object({ nodeInfo: z.object({ kernelVersion: z.string() }) }),
    }),
  ),
});

/** How the Clover of a cluster stands, and what the cluster lacks for it. Changes nothing. */
export async function clusterFindings(
  questions: AgentQuestions,
  namespace: string,
): Promise<readonly Finding[]> {
  const { client } = questions;
  const cluster = await discover(client);
  const found: Finding[] = [kubernetes(cluster)];
  const look = async (check: string, work: () => Promise<readonly Finding[]>): Promise<void> => {
    found.push(...(await asFarAsAllowed(check, work)));
  };
  let inventory: Inventory | undefined;
  await look('installation', async () => {
    inventory = await readInventory(client, namespace);
    return [installed(inventory, namespace)];
  });
  if (inventory === undefined) {
    await look('installation', () => leftOvers(client, namespace));
  }
  await look('installation', () => others(client, namespace));
  if (inventory === undefined || isDataAlone(inventory.objects)) return found;
  found.push(
    ...partFindings(inventory, cluster),
    ...databases(inventory),
    await permissions(client, inventory, namespace),
  );
  if (inventory.settings['knative'] === true) {
    const isAsked = inventory.settings['oidc'] === true;
    await look(sendersCheck, async () => [await sendersFinding(client, isAsked)]);
    const brokers = inventory.objects.filter(({ kind }) => kind === 'Broker');
    await look('subscribers', () => subscriberFindings(client, namespace, brokers));
  }
  await look('nodes', () => nodes(client));
  for (const place of inventory.objects) {
    await look(titleOf(place), () => objectFindings(client, place));
  }
  const webhook = inventory.objects.find(({ kind }) => kind === 'ValidatingWebhookConfiguration');
  if (webhook !== undefined) {
    await look('admission webhook', async () => [await webhookFinding(client)]);
  }
  const recorded = inventory;
  await look('ClickHouse', async () => [await clickHouseFinding(questions, recorded, namespace)]);
  await look('agents', async () => {
    const agents = await agentAnswers(questions, namespace);
    await look('network', () => networkFindings(client, agents.points));
    if (cluster.istio !== undefined) {
      await look('encryption', () => encryptionFindings(client, agents.points));
    }
    return agents.findings;
  });
  return found;
}

/** What findings there are; of what one may not look at, that. */
async function asFarAsAllowed(
  check: string,
  work: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CloverError) || error.code !== 'CLV_KUBERNETES_FORBIDDEN') throw error;
    const fix = 'ask for that permission, or somebody who has it to run cloverctl doctor';
    return [{ check, state: 'doubtful', found: `may not be looked at: ${error.message}`, fix }];
  }
}

function kubernetes({ version: found }: Findings): Finding {
  const check = 'Kubernetes';
  const fix = olderKubernetesFix(found);
  return fix === undefined ? { check, state: 'good', found } : { check, state: 'bad', found, fix };
}

function installed(inventory: Inventory | undefined, namespace: string): Finding {
  const check = 'installation';
  if (inventory === undefined) {
    const fix = 'cloverctl install makes one; -n names another namespace';
    return { check, state: 'bad', found: `there is no Clover in ${namespace}`, fix };
  }
  if (isDataAlone(inventory.objects)) {
    const fix = 'cloverctl install goes on with it, cloverctl uninstall --delete-data deletes it';
    const found = `Clover ${inventory.version} was removed from ${namespace}, and its data kept`;
    return { check, state: 'bad', found, fix };
  }
  const found = `Clover ${inventory.version} in ${namespace}`;
  if (inventory.version === version) return { check, state: 'good', found };
  return { check, state: 'doubtful', found, fix: `cloverctl upgrade makes it ${version}` };
}

/** What nobody but its labels tells of, as where somebody has deleted the namespace. */
async function leftOvers(client: KubeClient, namespace: string): Promise<readonly Finding[]> {
  const { length } = await remainsOf(client, namespace);
  if (length === 0) return [];
  const found = `${length} ${length === 1 ? 'object is' : 'objects are'} left of one in ${namespace}`;
  const fix = 'cloverctl install makes it whole again, cloverctl uninstall removes them';
  return [{ check: 'installation', state: 'bad', found, fix }];
}

/** Who may not see them is told nothing of them. */
async function others(client: KubeClient, namespace: string): Promise<readonly Finding[]> {
  if ((await refusedWishes(client, wishesToSeeOthers)).length > 0) return [];
  const { installations, doubts } = await otherInstallations(client, namespace);
  const check = 'installation';
  return [
    ...installations.map((other): Finding => ({
      check,
      state: 'bad',
      found: `Clover ${other.inventory?.version ?? '(its inventory is damaged)'} is in ${other.namespace}`,
      fix: 'a cluster has one, as both would work on the same objects: cloverctl uninstall -n removes the other',
    })),
    ...doubts.map((found): Finding => ({
      check,
      state: 'doubtful',
      found,
      fix: 'delete the ConfigMap, unless somebody needs it',
    })),
  ];
}

function databases({ settings }: Inventory): readonly Finding[] {
  if (!hasVolatileDatabases(settings)) return [];
  return [{ check: 'databases', state: 'doubtful', ...volatileDatabases }];
}

/** Nodes on which an agent cannot attach itself; who may not see nodes is told nothing of them. */
async function nodes(client: KubeClient): Promise<readonly Finding[]> {
  const [wish] = await refusedWishes(client, [
    { verb: 'list', group: '', resource: 'nodes', namespace: undefined },
  ]);
  if (wish !== undefined) return [];
  const { items } = nodeList.parse(await client.call({ method: 'GET', path: '/api/v1/nodes' }));
  return items.map(({ metadata, status }): Finding => {
    const found = status.nodeInfo.kernelVersion;
    const fix = olderKernelFix(found);
    const check = `node/${metadata.name}`;
    return fix === undefined
      ? { check, state: 'good', found: `Linux ${found}` }
      : { check, state: 'bad', found: `Linux ${found}`, fix };
  });
}

async function permissions(
  client: KubeClient,
  { objects }: Inventory,
  namespace: string,
): Promise<Finding> {
  const wishes = [
    ...wishesFor([...objects, inventoryPlace(namespace)], ['get', 'create', 'patch']),
    ...wishesToSeeOthers,
  ];
  const refused = await refusedWishes(client, wishes);
  const check = 'your permissions';
  if (refused.length === 0) return { check, state: 'good', found: 'enough for an upgrade' };
  const found = `${refused.length} of ${wishes.length} are missing for an upgrade`;
  const fix = `ask for: ${refused.map((wish) => wishText(wish)).join(', ')}`;
  return { check, state: 'doubtful', found, fix };
}

async function objectFindings(client: KubeClient, place: Place): Promise<readonly Finding[]> {
  const check = titleOf(place);
  const live = await findLive(client, place);
  if (live === undefined) {
    const again = 'cloverctl upgrade makes it again';
    return [{ check, state: 'bad', found: 'is not there', fix: again }];
  }
  if (!canBeWaitedFor(place)) return [];
  const { ready, text, doubtful } = readinessOf(place.kind, live);
  if (doubtful) {
    const settings = 'see agent.nodeSelector and agent.tolerations of the installation';
    return [{ check, state: 'doubtful', found: text, fix: settings }];
  }
  if (ready) return [{ check, state: 'good', found: text }];
  const why = await troublesOf(client, place);
  const fix = 'docs/operations.md has what helps; kubectl describe tells more';
  return [{ check, state: 'bad', found: [text, ...why].join('; '), fix }];
}
