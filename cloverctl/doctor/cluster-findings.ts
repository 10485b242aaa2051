import { z } from 'zod';
import { version } from '../../functions/lib/version.ts';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { titleOf, type Place } from '../installation/collections.ts';
import { isDataAlone } from '../installation/delete-objects.ts';
import { discover, type Findings } from '../installation/discover.ts';
import { inventoryPlace, readInventory, type Inventory } from '../installation/inventory.ts';
import { olderKubernetesFix } from '../installation/kubernetes-version.ts';
import { findLive, found404 } from '../installation/live-object.ts';
import { otherInstallations, wishesToSeeOthers } from '../installation/other-installations.ts';
import { refusedWishes, wishesFor, wishText } from '../installation/permissions.ts';
import { canBeWaitedFor, readinessOf } from '../installation/readiness.ts';
import { troublesOf } from '../installation/troubles.ts';
import { hasVolatileDatabases, volatileDatabases } from '../installation/volatile-databases.ts';
import { agentAnswers, type AgentQuestions } from './agent-findings.ts';
import { encryptionFindings } from './encryption-findings.ts';
import type { Finding } from './finding.ts';
import { olderKernelFix } from './kernel.ts';
import { networkFindings } from './network-findings.ts';
import { webhookFinding } from './webhook-finding.ts';

const features = z.object({ data: z.record(z.string(), z.string()).default({}) });

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
  const inventory = await readInventory(client, namespace);
  found.push(installed(inventory, namespace));
  found.push(...(await others(client, namespace)));
  if (inventory === undefined || isDataAlone(inventory.objects)) return found;
  found.push(
    ...knative(inventory, cluster),
    ...databases(inventory),
    await permissions(client, inventory, namespace),
  );
  if (inventory.settings['oidc'] === true) found.push(await oidc(client));
  found.push(...(await nodes(client)));
  for (const place of inventory.objects) {
    const finding = await objectFinding(client, place);
    if (finding !== undefined) found.push(finding);
  }
  const webhook = inventory.objects.find(({ kind }) => kind === 'ValidatingWebhookConfiguration');
  if (webhook !== undefined) found.push(await webhookFinding(client));
  const agents = await agentAnswers(questions, namespace);
  found.push(...(await networkFindings(client, agents.points)), ...agents.findings);
  if (cluster.istio !== undefined) {
    found.push(...(await encryptionFindings(client, agents.points)));
  }
  return found;
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

function knative({ settings }: Inventory, { serving, eventing }: Findings): readonly Finding[] {
  if (settings['knative'] !== true) return [];
  const versions = { 'Knative Serving': serving, 'Knative Eventing': eventing };
  return Object.entries(versions).map(([check, found]) =>
    found === undefined
      ? {
          check,
          state: 'bad',
          found: 'is not there',
          fix: `install ${check}, or set knative=false`,
        }
      : { check, state: 'good', found },
  );
}

function databases({ settings }: Inventory): readonly Finding[] {
  if (!hasVolatileDatabases(settings)) return [];
  return [{ check: 'databases', state: 'doubtful', ...volatileDatabases }];
}

/** While Eventing does not ask who sends, it refuses to obey EventPolicies. */
async function oidc(client: KubeClient): Promise<Finding> {
  const check = 'EventPolicies';
  const path = '/api/v1/namespaces/knative-eventing/configmaps/config-features';
  const answer = await found404(client.call({ method: 'GET', path }));
  const { data } = features.parse(answer ?? {});
  const found = `authentication-oidc is ${data['authentication-oidc'] ?? 'disabled'}`;
  if (data['authentication-oidc'] === 'enabled') return { check, state: 'good', found };
  const fix = 'enable it in the ConfigMap config-features of knative-eventing, or set oidc=false';
  return { check, state: 'bad', found, fix };
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

async function objectFinding(client: KubeClient, place: Place): Promise<Finding | undefined> {
  const check = titleOf(place);
  const live = await findLive(client, place);
  if (live === undefined) {
    return { check, state: 'bad', found: 'is not there', fix: 'cloverctl upgrade makes it again' };
  }
  if (!canBeWaitedFor(place)) return undefined;
  const { ready, text } = readinessOf(place.kind, live);
  if (ready) return { check, state: 'good', found: text };
  const why = await troublesOf(client, place);
  const fix = 'docs/operations.md has what helps; kubectl describe tells more';
  return { check, state: 'bad', found: [text, ...why].join('; '), fix };
}
