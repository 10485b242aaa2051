import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { applyObject } from '../../../cloverctl/installation/apply-objects.ts';
import { freePort } from '../../../functions/lib/free-port.ts';
import { agentObjects } from '../../../knative/render/agent/objects.ts';
import { userRoles } from '../../../knative/render/user-roles.ts';
import { accountToken } from '../../cloverctl/installation/cluster.ts';
import { sharedByFile } from '../../cluster/shared-by-file.ts';
import { whyNoReceivers, withReceivers } from '../../cluster/with-receivers.ts';
import { installationOf } from '../../knative/render/installations.ts';
import { runAgent, type RunningAgent } from '../helpers/agent-process.ts';
import { startClusterNode, type ClusterNode } from '../helpers/cluster-node.ts';
import { startControlPlane } from '../helpers/control-plane.ts';
import { makeSandbox } from '../helpers/sandbox.ts';
import { documentedJob } from '../helpers/scraping.ts';
import { eventually } from '../helpers/test-agent.ts';

const whyNoPrometheus = await whyNoReceivers();
if (whyNoPrometheus !== undefined) process.stderr.write(`${whyNoPrometheus}\n`);
const { serial, started } = await sharedByFile(startClusterNode);
const withPrometheus = whyNoPrometheus === undefined ? serial : test.serial.skip;

const rbac = 'rbac.authorization.k8s.io';
const hello = `
import { createServer } from 'node:http';
createServer((incoming, outgoing) => outgoing.end('hello')).listen(8080);
`;

/** Makes an account, with a role of the cluster where one is said; resolves to its token. */
async function makeAccount({ client }: ClusterNode, name: string, role?: string): Promise<string> {
  const metadata = { name, namespace: 'shop', labels: {} };
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata };
  await applyObject({ client, force: false }, account);
  if (role !== undefined) {
    const binding = {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name: `${name}-${role}`, labels: {} },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: role },
      subjects: [{ kind: 'ServiceAccount', namespace: 'shop', name }],
    };
    await applyObject({ client, force: false }, binding);
  }
  return accountToken(client, 'shop', name);
}

/** An agent that traces a pod, and is scraped at an address of its node. */
async function startBed(t: ExecutionContext) {
  t.timeout(120_000);
  const node = await started;
  const installation = installationOf({ namespace: 'shop' });
  for (const role of userRoles(installation)) {
    await applyObject({ client: node.client, force: false }, role);
  }
  const uid = await node.addPod('web', { labels: { app: 'web' } });
  const web = await makeSandbox(uid, hello);
  await node.setTap('all', {});
  const dir = await mkdtemp(join(tmpdir(), 'clover-agent-'));
  const plane = await startControlPlane();
  t.teardown(async () => {
    await web.remove();
    await node.removePod('web');
    await node.setTap('all', undefined);
    await plane.down();
    await rm(dir, { recursive: true, force: true });
  });
  const metricsPort = await freePort();
  const { nodeAddress } = web;
  const pod = { NODE_NAME: node.name, POD_NAMESPACE: 'clover-system', POD_IP: nodeAddress };
  const start = async (port: number): Promise<RunningAgent> => {
    const config = {
      kubernetes: { accountFolder: node.accountFolder, metricsPort: port },
      controlPlane: { url: plane.url },
      listen: { port: 0 },
      spool: { dir: join(dir, 'spool') },
      capture: { ringBytes: 4 * 1024 * 1024 },
    };
    const agent = await runAgent(dir, config, { ...node.env, ...pod });
    t.teardown(async () => {
      agent.process.kill('SIGKILL');
      await agent.ended;
    });
    return agent;
  };
  const agent = await start(metricsPort);
  return { node, agent, start, web, metricsPort, url: `http://${nodeAddress}:${metricsPort}` };
}

const statusOf = async (url: string, token?: string): Promise<number> => {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(url, { headers });
  await response.text();
  return response.status;
};

serial('the cluster says who may scrape an agent at the address of its node', async (t) => {
  const { node, agent, url } = await startBed(t);
  const reader = await makeAccount(node, 'reader', 'shop-metrics-reader');
  const idle = await makeAccount(node, 'idle', 'view');
  const elsewhere = await accountToken(node.client, 'shop', 'reader', ['https://elsewhere']);
  const before = (await node.asked()).length;
  for (const token of [reader, reader, reader]) t.is(await statusOf(`${url}/metrics`, token), 200);
  const reviews = (await node.asked()).slice(before).map(({ verb, resource }) => [verb, resource]);
  t.deepEqual(
    reviews.filter(([verb]) => verb === 'create'),
    [
      ['create', 'tokenreviews'],
      ['create', 'subjectaccessreviews'],
    ],
    'once for all of them',
  );
  const refused = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${idle}` } });
  t.is(refused.status, 403);
  t.regex(await refused.text(), /shop-metrics-reader/, 'the role of where the agent is');
  t.is(await statusOf(`${url}/metrics`), 401);
  t.is(await statusOf(`${url}/metrics`, 'none-of-this-cluster'), 401);
  t.is(await statusOf(`${url}/metrics`, elsewhere), 401, 'a token for someone else');
  for (const path of ['/ledger', '/health/ready']) {
    t.is(await statusOf(`${url}${path}`, reader), 404, path);
    t.is(await statusOf(`${agent.url}${path}`), 200, path);
  }
});

serial('an agent whose port is taken does not start, and the one of before goes on', async (t) => {
  const { node, agent, start, url, web } = await startBed(t);
  const reader = await makeAccount(node, 'reader', 'shop-metrics-reader');
  const other = createServer();
  t.teardown(() => other.close());
  const port = await freePort();
  other.listen({ host: web.nodeAddress, port });
  await once(other, 'listening');
  await t.throwsAsync(start(port), { message: 'the agent ended with 1' });
  t.is(await statusOf(`${agent.url}/health/ready`), 200);
  t.is(await statusOf(`${url}/metrics`, reader), 200, 'it counts');
});

serial('while a node has two agents, only the one that counts answers a scrape', async (t) => {
  const { node, agent, metricsPort, start, url } = await startBed(t);
  const reader = await makeAccount(node, 'reader', 'shop-metrics-reader');
  const answers = new Set<string>();
  const scrape = async (): Promise<void> => {
    const response = await fetch(`${url}/metrics`, {
      headers: { authorization: `Bearer ${reader}` },
    });
    const text = await response.text();
    const isOne =
      response.status === 200 ? text.includes('clover_agent_points') : /another agent/.test(text);
    answers.add(`${response.status} ${isOne}`);
  };
  await start(metricsPort);
  // The port is of both, and the kernel gives a connection to one of them.
  while (answers.size < 2) await scrape();
  t.deepEqual([...answers].toSorted(), ['200 true', '503 true']);
  agent.process.kill('SIGTERM');
  t.is(await agent.ended, 0);
  answers.clear();
  for (let again = 0; again < 10; again += 1) await scrape();
  t.deepEqual([...answers], ['200 true'], 'there is one again');
});

/** The pod of the agent, as a kubelet tells of it. */
async function addAgentPod(node: ClusterNode, address: string): Promise<void> {
  const labels = { 'app.kubernetes.io/name': 'agent', 'app.kubernetes.io/instance': 'shop' };
  await node.addPod('agent-x', { labels, hostNetwork: true });
  await node.client.call({
    method: 'PATCH',
    path: '/api/v1/namespaces/shop/pods/agent-x/status',
    contentType: 'application/merge-patch+json',
    body: {
      status: {
        phase: 'Running',
        podIP: address,
        podIPs: [{ ip: address }],
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    },
  });
}

withPrometheus(
  'a Prometheus that is set up as the documentation says finds the agent, and reads what it counts',
  async (t) => {
    const { node, web, metricsPort } = await startBed(t);
    const { prometheus } = await withReceivers(t);
    const installation = installationOf({ namespace: 'shop', agent: { metricsPort } });
    for (const object of agentObjects(installation).filter(({ kind }) => kind === 'Service')) {
      await applyObject({ client: node.client, force: true }, object);
    }
    await addAgentPod(node, web.nodeAddress);
    t.teardown(() => node.removePod('agent-x'));
    const token = await makeAccount(node, 'prometheus', 'shop-metrics-reader');
    const folder = await mkdtemp(join(tmpdir(), 'clover-prometheus-'));
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    const tokenFile = join(folder, 'token');
    await writeFile(tokenFile, token);
    const jobNow = () => documentedJob(node.client, 'shop', tokenFile);
    const targetsOf = async (): Promise<readonly object[]> => (await jobNow()).static_configs;
    await eventually('the endpoint', async () => (await targetsOf()).length > 0);
    await prometheus.configure({ scrape_configs: [await jobNow()], rule_files: [] });
    const up = 'up{job="clover-agents"}';
    await eventually('a scrape', async () => (await prometheus.query(`${up} == 1`)).length > 0);
    const targets = await prometheus.query(up);
    t.deepEqual(
      targets.map(({ labels }) => labels['instance']),
      [node.name],
      'the agent is one target, and is called by its node',
    );
    const attached = `clover_agent_points_attached{instance="${node.name}"} == 1`;
    await eventually('the pod', async () => (await prometheus.query(attached)).length > 0);
    for (let sent = 0; sent < 30; sent += 1) await (await fetch(web.url)).text();
    const counted = 'clover_requests_started_total{service_name="web",clover_role="server"} == 30';
    await eventually('the requests', async () => (await prometheus.query(counted)).length > 0);
  },
);
