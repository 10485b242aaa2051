import { createServer } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { webhookName } from '../../knative/catalogue.ts';
import { kubernetesEventList } from '../../knative/kubernetes-event.ts';
import type { TrafficPolicy } from '../../knative/resources/traffic-policy.ts';
import { whyLeftOut } from './with-cluster.ts';
import { listenOnLoopback } from '../functions/host/helpers.ts';
import { examples } from '../functions/resources/examples.ts';
import { changed, deliver, notified } from './processes/events.ts';
import { createWorld, type World } from './processes/world.ts';

const why = await whyLeftOut();
if (why !== undefined) process.stderr.write(`${why}\n`);
const serial = why === undefined ? test.serial : test.serial.skip;

/** What a broker would be given: reasons, by the ids of their events. */
async function startSink(t: ExecutionContext): Promise<{ url: string; seen: Map<string, number> }> {
  const seen = new Map<string, number>();
  const sink = createServer((request, response) => {
    const id = String(request.headers['ce-id']);
    seen.set(id, (seen.get(id) ?? 0) + 1);
    request.resume().on('end', () => response.writeHead(202).end());
  });
  const port = await listenOnLoopback(sink);
  t.teardown(() => {
    sink.close();
    sink.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${port}/`, seen };
}

async function programmedPolicy({ resources }: World): Promise<TrafficPolicy> {
  const { spec } = examples.TrafficPolicy;
  const metadata = { name: 'proxy', namespace: 'default' };
  await resources.applySpec({ kind: 'TrafficPolicy', metadata, spec }, { manager: 'test' });
  const policy = await resources.get('TrafficPolicy', 'default', 'proxy');
  if (policy === undefined) throw new Error('the policy is gone');
  const lastTransitionTime = new Date().toISOString().replace(/\.\d+Z/, 'Z');
  const observedGeneration = policy.metadata.generation;
  return resources.patchStatus<'TrafficPolicy'>(policy, {
    observedGeneration,
    conditions: [
      {
        type: 'Programmed',
        status: 'True',
        reason: 'Programmed',
        message: 'it is in the gateway',
        lastTransitionTime,
        observedGeneration,
      },
    ],
  });
}

serial(
  'notify tells a change once, to the broker and as an Event, whoever is killed; the API lists it with everything else',
  async (t) => {
    t.timeout(180_000);
    const world = await createWorld(t);
    const { url: K_SINK, seen } = await startSink(t);
    await t.throwsAsync(
      world.start('notify', { KUBERNETES_SERVICE_HOST: '' }),
      { message: /it ended with \d/ },
      'it is in no pod',
    );
    let notify = await world.start('notify', { K_SINK });
    const api = await world.start('api');
    const policy = await programmedPolicy(world);
    const event = changed('update', policy);

    const interrupted = deliver(notify.url, event).catch(() => undefined);
    await notify.kill();
    await interrupted;
    const hook = await startSink(t);
    const secret = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
    const NOTIFICATIONS = JSON.stringify([{ url: hook.url, secret }]);
    notify = await world.start('notify', { K_SINK, NOTIFICATIONS });
    await deliver(notify.url, event);
    const told = [...seen.keys()];
    t.is(told.length, 1);
    const times = seen.get(told[0] ?? '');
    await deliver(notify.url, event);
    t.is(seen.get(told[0] ?? ''), times, 'what is told is told');

    const { apiVersion, kind, metadata } = policy;
    const notification = notified({
      reason: 'PolicyProgrammed',
      type: 'Normal',
      action: 'Program',
      note: 'it is in the gateway',
      at: new Date().toISOString(),
      regarding: { apiVersion, kind, namespace: 'default', name: 'proxy', uid: metadata.uid },
    });
    const ofHook = new URL(`/functions/${webhookName(hook.url)}`, notify.url);
    t.is(await deliver(ofHook.href, notification), 204);
    t.deepEqual([...hook.seen.keys()], [notification.headers['ce-id']]);

    const headers = { authorization: `Bearer ${await world.viewerToken()}` };
    const get = async (path: string): Promise<unknown> => {
      const answer = await fetch(`${api.url}${path}`, { headers });
      t.is(answer.status, 200, path);
      return answer.json();
    };
    const records = '/apis/events.k8s.io/v1/namespaces/default/events';
    const { items } = kubernetesEventList.parse(await get(records));
    t.deepEqual(
      items.map(({ reason, regarding, series }) => [reason, regarding.name, series]),
      [['PolicyProgrammed', 'proxy', undefined]],
    );
    const policies = z.object({ items: z.array(z.object({ kind: z.string() })) });
    const listed = policies.parse(await get('/apis/clover.dev/v1alpha1/trafficpolicies'));
    t.is(listed.items.length, 1);
    t.deepEqual(await get('/v1/status'), {});
    await get('/v1/evidence/totals?from=0&to=1000');
    await get('/v1/questions/red?from=0&to=1000');
    t.is((await fetch(`${api.url}/v1/events`, { headers })).status, 404, 'the broker is not ours');
    t.is((await fetch(`${api.url}/v1/status`)).status, 401, 'it asks who calls');

    await world.resources.delete('TrafficPolicy', 'default', 'proxy');
    await deliver(notify.url, changed('delete', policy));
    await deliver(notify.url, changed('delete', policy));
    t.is(await world.clickhouse.number('SELECT count() FROM transitions'), 0);
    t.deepEqual(await Promise.all([notify, api].map(async (each) => each.end())), [0, 0]);
  },
);
