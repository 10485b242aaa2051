import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { z } from 'zod';
import { sharedByFile } from '../../cluster/shared-by-file.ts';
import { runAgent, type RunningAgent } from '../helpers/agent-process.ts';
import { bundledAgent } from '../helpers/bundled-agent.ts';
import { startClusterNode, type ClusterNode } from '../helpers/cluster-node.ts';
import { startControlPlane, type ControlPlane } from '../helpers/control-plane.ts';
import { limitMemory } from '../helpers/memory-limit.ts';
import { makeSandbox, type CgroupDriver, type Sandbox } from '../helpers/sandbox.ts';
import { eventually } from '../helpers/test-agent.ts';

const { serial, started } = await sharedByFile(startClusterNode);

const ledgerView = z.object({
  unexplained: z.number(),
  pods: z.object({ known: z.number(), failed: z.number() }),
  taps: z.object({ known: z.number(), failed: z.number() }),
  attachments: z.object({
    attached: z.number(),
    waiting: z.number(),
    points: z.array(z.object({ pod: z.string(), kind: z.string() })),
    unseen: z.array(z.object({ pod: z.string(), interface: z.string(), why: z.string() })),
  }),
  capture: z.object({ requests: z.object({ seen: z.number(), spans: z.number() }) }),
  sink: z.object({ accepted: z.object({ batches: z.number(), spans: z.number() }) }),
});

const ledgerOf = async (agent: RunningAgent) =>
  ledgerView.parse(await (await fetch(`${agent.url}/ledger`)).json());

interface Bed {
  readonly node: ClusterNode;
  readonly plane: ControlPlane;
  readonly agent: RunningAgent;
  readonly sandbox: (uid: string, script?: string, driver?: CgroupDriver) => Promise<Sandbox>;
}

const hello = `
import { createServer } from 'node:http';
createServer((incoming, outgoing) => outgoing.end('hello')).listen(8080);
`;

/** An agent of the node as a process, as its pod would be started. */
const startBed = async (
  t: ExecutionContext,
  { ingestUrl, command }: { ingestUrl?: string; command?: readonly string[] } = {},
): Promise<Bed> => {
  t.timeout(120_000);
  const node = await started;
  const dir = await mkdtemp(join(tmpdir(), 'clover-agent-'));
  const plane = await startControlPlane();
  t.teardown(async () => {
    await plane.down();
    await rm(dir, { recursive: true, force: true });
  });
  const config = {
    kubernetes: { accountFolder: node.accountFolder },
    ingest: { url: ingestUrl ?? `${plane.url}/spans` },
    listen: { port: 0 },
    spool: { dir: join(dir, 'spool') },
    capture: { ringBytes: 4 * 1024 * 1024 },
  };
  const env = {
    ...node.env,
    NODE_NAME: node.name,
    POD_NAMESPACE: 'clover-system',
    K_SINK: `${plane.url}/clover-system/default`,
    K_CE_OVERRIDES: '{"extensions":{"cluster":"east"}}',
  };
  const agent = await runAgent(dir, config, env, command);
  t.teardown(async () => {
    agent.process.kill('SIGKILL');
    await agent.ended;
  });
  return {
    node,
    plane,
    agent,
    async sandbox(uid, script = hello, driver) {
      const sandbox = await makeSandbox(uid, script, driver);
      t.teardown(() => sandbox.remove());
      return sandbox;
    },
  };
};

const request = async (url: string, count: number): Promise<void> => {
  for (let done = 0; done < count; done += 1) {
    await (await fetch(url, { headers: { connection: 'close' } })).text();
  }
};

/** How soon a Tap follows a pod that comes or goes. */
const followsWithinMs = 1_000;

/** Milliseconds until it is so. */
const timeUntil = async (what: string, so: () => Promise<boolean>): Promise<number> => {
  const from = performance.now();
  await eventually(what, so);
  return Math.round(performance.now() - from);
};

serial('a Tap follows a pod that comes and goes, and its requests become spans', async (t) => {
  const { node, plane, agent, sandbox } = await startBed(t);
  await node.setTap('web', { selector: { matchLabels: { app: 'web' } }, ports: [8080] });
  t.teardown(() => node.setTap('web', undefined));
  await eventually('the Tap', async () => (await ledgerOf(agent)).taps.known === 1);
  for (const driver of ['cgroupfs', 'systemd'] as const) {
    const uid = await node.addPod(`web-${driver}`, { labels: { app: 'web' } });
    await eventually('the pod', async () => (await ledgerOf(agent)).attachments.waiting === 1);
    const before = (await ledgerOf(agent)).sink.accepted.spans;
    const web = await sandbox(uid, hello, driver);
    const attachedMs = await timeUntil('the interface', async () => {
      const { attachments } = await ledgerOf(agent);
      return attachments.attached === 1 && attachments.waiting === 0;
    });
    await request(web.url, 30);
    await eventually('the spans', async () => {
      const { sink } = await ledgerOf(agent);
      return sink.accepted.spans >= before + 30;
    });
    await node.removePod(`web-${driver}`);
    const detachedMs = await timeUntil('its end', async () => {
      return (await ledgerOf(agent)).attachments.attached === 0;
    });
    t.log(`${driver}: attached ${attachedMs} ms after it served, detached after ${detachedMs} ms`);
    // What is promised of Taps; on an idle machine it takes some tens of milliseconds.
    t.true(attachedMs <= followsWithinMs && detachedMs <= followsWithinMs);
  }
  t.is((await ledgerOf(agent)).unexplained, 0);
  const spans = plane.received.filter(({ path }) => path === '/spans');
  t.true(spans.length > 0);
  t.true(spans.every(({ headers }) => headers.authorization === undefined));
  const evidenceNow = () => plane.received.filter(({ path }) => path === '/clover-system/default');
  await eventually('the evidence', async () => evidenceNow().length > 0);
  const evidence = evidenceNow();
  t.true(evidence.every(({ headers }) => headers['ce-cluster'] === 'east'));
  t.true(
    evidence.every(({ headers }) => String(headers['ce-source']).startsWith('/nodes/node-1/')),
  );
});

serial(
  'a pod that was there before the agent is traced at once, and told apart from what is unseen',
  async (t) => {
    const node = await started;
    await node.setTap('all', {});
    t.teardown(() => node.setTap('all', undefined));
    const uid = await node.addPod('old', { labels: { app: 'web' } });
    await node.addPod('of-the-node', { hostNetwork: true });
    t.teardown(async () => {
      for (const pod of ['old', 'of-the-node']) await node.removePod(pod);
    });
    const old = await makeSandbox(uid, hello);
    t.teardown(() => old.remove());
    old.addMacvlan('net1');
    const { agent } = await startBed(t);
    await eventually(
      'the interface',
      async () => (await ledgerOf(agent)).attachments.attached === 1,
    );
    const { attachments } = await ledgerOf(agent);
    t.is(attachments.waiting, 0);
    t.deepEqual(attachments.points, [{ pod: 'shop/old', kind: 'cgroup' }]);
    // What comes over macvlan is at the sockets, too; where there is no cgroup only the veth is left.
    t.deepEqual(attachments.unseen, [
      {
        pod: 'shop/of-the-node',
        interface: '*',
        why: "it uses the node's own network (hostNetwork)",
      },
    ]);
  },
);

const countingReceiver = `
import { createServer } from 'node:http';
let spans = 0;
createServer((incoming, outgoing) => {
  spans += Number(incoming.headers['ce-cloverspans'] ?? 0);
  incoming.resume().on('end', () => outgoing.writeHead(incoming.method === 'GET' ? 200 : 202).end(String(spans)));
}).listen(8080);
`;

serial("Clover's own traffic makes no spans: what carries spans adds none", async (t) => {
  const node = await started;
  await node.setTap('all', {});
  t.teardown(() => node.setTap('all', undefined));
  const own = await node.addPod('ingest', { labels: { 'app.kubernetes.io/part-of': 'clover' } });
  const uid = await node.addPod('web', { labels: { app: 'web' } });
  t.teardown(async () => {
    for (const pod of ['ingest', 'web']) await node.removePod(pod);
  });
  const ingest = await makeSandbox(own, countingReceiver);
  t.teardown(() => ingest.remove());
  const { agent, sandbox } = await startBed(t, { ingestUrl: `${ingest.url}/` });
  const web = await sandbox(uid);
  await eventually('the interface', async () => (await ledgerOf(agent)).attachments.attached === 1);
  const stored = async (): Promise<number> => Number(await (await fetch(ingest.url)).text());
  const before = await stored();
  for (const round of [1, 2, 3]) {
    await request(web.url, 10);
    await eventually('the spans', async () => (await stored()) >= before + 10 * round);
  }
  const { sink, capture } = await ledgerOf(agent);
  t.true(sink.accepted.batches >= 3, 'spans crossed the wire of a pod that the Tap selects');
  t.is(await stored(), before + 30);
  t.is(capture.requests.seen, capture.requests.spans);
});

serial(
  'a thousand pods are one watch, and no list, of Services one once a Tap selects a pod, and all fit into the limit of memory',
  async (t) => {
    t.timeout(300_000);
    const node = await started;
    const add = async (from: number): Promise<void> => {
      for (let pod = from; pod < 1_000; pod += 10) await node.addPod(`many-${pod}`);
    };
    await Promise.all(Array.from({ length: 10 }, (_one, from) => add(from)));
    const uid = await node.addPod('busy', { labels: { app: 'busy' } });
    const before = (await node.asked()).length;

    const limit = await limitMemory(t, 96 * 2 ** 20);
    const { agent, sandbox } = await startBed(t, {
      command: [...limit.prefix, ...(await bundledAgent(t))],
    });
    await eventually('the pods', async () => (await ledgerOf(agent)).pods.known > 1_000);
    const asked = (await node.asked()).slice(before);
    t.deepEqual(asked.map(({ verb, resource }) => `${verb} ${resource}`).toSorted(), [
      'watch pods',
      'watch taps',
    ]);

    await node.setTap('all', {});
    t.teardown(() => node.setTap('all', undefined));
    const busy = await sandbox(uid);
    await eventually(
      'the interface',
      async () => (await ledgerOf(agent)).attachments.attached === 1,
    );
    await Promise.all(Array.from({ length: 10 }, () => request(busy.url, 300)));
    await eventually('the spans', async () => (await ledgerOf(agent)).sink.accepted.spans >= 3_000);
    t.is((await ledgerOf(agent)).attachments.waiting, 1_000);
    const since = (await node.asked()).slice(before + asked.length);
    t.deepEqual(
      since.map(({ verb, resource }) => `${verb} ${resource}`),
      ['watch services'],
    );
    t.is(await limit.oomKills(), 0);
    t.is(agent.process.exitCode, null);
    const most = Math.round((await limit.mostBytes()) / 2 ** 20);
    t.log(`${most} MiB at most, with the pages of files that were read first here`);
  },
);
