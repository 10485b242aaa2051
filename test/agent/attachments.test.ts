import test from 'ava';
import { createAttachments } from '../../agent/attachments.ts';
import type { Unseen, Way } from '../../agent/pod-directory.ts';
import type { CapturePoint } from '../../native/capture/types.ts';
import type { SelectedPod } from '../../agent/selection.ts';
import { silent } from '../functions/host/helpers.ts';
import { tap } from './helpers/control-plane.ts';
import { createMemoryCapture } from './helpers/memory-capture.ts';
import { eventually, makeBed, type Bed } from './helpers/test-agent.ts';

const pods = (...entries: [name: string, app: string, device: string][]): string =>
  JSON.stringify({
    pods: entries.map(([name, app, device]) => ({
      namespace: 'shop',
      name,
      uid: `uid-${name}`,
      labels: { app },
      interface: device,
      addresses: ['198.18.0.2'],
    })),
  });

const twoPods = async (bed: Bed): Promise<void> => {
  bed.interfaces.set('veth-web', 11).set('veth-db', 12);
  await bed.writePods(pods(['web', 'web', 'veth-web'], ['db', 'db', 'veth-db']));
};

test('a pod is attached while a tap selects it', async (t) => {
  const bed = await makeBed(t);
  await twoPods(bed);
  const { capture } = await bed.start();
  t.is(capture.attached.size, 0, 'no taps, no tracing');
  bed.plane.setTaps([tap('shop', { app: 'web' }, [8080])]);
  await eventually('web attached', () => capture.attached.has(11));
  t.like(capture.attached.get(11), {
    namespace: 'shop',
    name: 'web',
    service: 'web',
    node: 'first',
  });
  t.deepEqual(capture.ports, [8080]);
  t.false(capture.attached.has(12));
  bed.plane.setTaps([tap('shop', { app: 'db' })]);
  await eventually('the other one', () => capture.attached.has(12) && !capture.attached.has(11));
  t.deepEqual(capture.ports, []);
  bed.plane.setTaps([]);
  await eventually('none', () => capture.attached.size === 0);
});

test('the pod directory is followed, and a broken one keeps the last good', async (t) => {
  const bed = await makeBed(t);
  await twoPods(bed);
  bed.plane.setTaps([tap('shop', {})]);
  const { agent, capture } = await bed.start();
  await eventually('both attached', () => capture.attached.size === 2);
  await bed.writePods('{"pods":[{"namespace":"shop"');
  await eventually('the break noticed', async () => (await bed.ledger(agent)).pods.failed > 0);
  t.is(capture.attached.size, 2);
  await bed.writePods(pods(['db', 'db', 'veth-db']));
  await eventually('web detached', () => !capture.attached.has(11));
  t.true(capture.attached.has(12));
});

test('the last known taps stay while the API does not answer', async (t) => {
  const bed = await makeBed(t);
  await twoPods(bed);
  bed.plane.setTaps([tap('shop', { app: 'web' })]);
  const { agent, capture } = await bed.start();
  await eventually('web attached', () => capture.attached.has(11));
  await bed.plane.down();
  await bed.writePods(pods(['web', 'web', 'veth-web'], ['web-2', 'web', 'veth-db']));
  await eventually('the second web attached', () => capture.attached.get(12)?.name === 'web-2');
  t.true(capture.attached.has(11));
  t.is((await fetch(`http://127.0.0.1:${agent.port}/health/ready`)).status, 200);
});

test('an interface of which only a part is seen is named, once it is more than chance', async (t) => {
  const bed = await makeBed(t);
  await twoPods(bed);
  bed.plane.setTaps([tap('shop', {})]);
  const { agent, capture } = await bed.start();
  await eventually('both attached', () => capture.attached.size === 2);
  capture.setOneWay(11, 3);
  capture.setOneWay(12, 2);
  const unseen = async () => (await bed.ledger(agent)).attachments.unseen;
  await eventually('the finding', async () => (await unseen()).length > 0);
  t.deepEqual(await unseen(), [
    {
      pod: 'shop/web',
      interface: '*',
      why: 'packets are redirected past veth-web: of some connections one direction alone passes there',
    },
  ]);
});

test('an interface may come later and come back under another index', async (t) => {
  const bed = await makeBed(t);
  await bed.writePods(pods(['web', 'web', 'veth-web']));
  bed.plane.setTaps([tap('shop', {})]);
  const { agent, capture } = await bed.start();
  await eventually('the pod known', async () => (await bed.ledger(agent)).pods.known === 1);
  t.is(capture.attached.size, 0);
  bed.interfaces.set('veth-web', 31);
  await eventually('attached', () => capture.attached.has(31));
  bed.interfaces.set('veth-web', 32);
  await eventually('moved', () => capture.attached.has(32) && !capture.attached.has(31));
});

test('without a pod directory the agent lives but is not ready', async (t) => {
  const bed = await makeBed(t);
  await bed.writePods('not json');
  const { agent } = await bed.start();
  t.is((await fetch(`http://127.0.0.1:${agent.port}/health/live`)).status, 200);
  t.is((await fetch(`http://127.0.0.1:${agent.port}/health/ready`)).status, 503);
  await bed.writePods('{"pods":[]}');
  await eventually(
    'readiness',
    async () => (await fetch(`http://127.0.0.1:${agent.port}/health/ready`)).status === 200,
  );
});

test('what a tap keeps is changed within a second, and nothing is detached for it', async (t) => {
  const bed = await makeBed(t);
  await twoPods(bed);
  bed.plane.setTaps([tap('shop', { app: 'web' })]);
  const { capture } = await bed.start();
  await eventually('web attached', () => capture.attached.has(11));
  t.deepEqual(capture.settings.get(11), { ratio: 1, parent: false });
  const sampling = { ratio: 0.25, parentBased: true };
  const changedAt = Date.now();
  bed.plane.setTaps([tap('shop', { app: 'web' }, undefined, { sampling })]);
  await eventually('the new share', () => capture.settings.get(11)?.ratio === 0.25);
  // The list is asked for each second.
  t.true(Date.now() - changedAt < 2_000);
  t.deepEqual(capture.settings.get(11), { ratio: 0.25, parent: true });
  const more = { headers: { request: ['x-tenant'] }, protocols: ['http' as const] };
  bed.plane.setTaps([tap('shop', { app: 'web' }, undefined, more)]);
  await eventually('the headers', () => capture.settings.get(11)?.requestHeaders !== undefined);
  t.deepEqual(capture.settings.get(11), {
    ratio: 1,
    parent: false,
    protocols: ['http'],
    requestHeaders: ['x-tenant'],
  });
  t.is(capture.detaches, 0);
});

const selected = (name: string): SelectedPod => ({
  namespace: 'shop',
  name,
  uid: `uid-${name}`,
  labels: {},
  settings: { ratio: 1, parent: false },
  sinks: [],
  logSinks: [],
  tls: false,
});

/** Nothing takes time. */
const nowMs = () => 0;

/** Attachments on a capture without a kernel, of one pod whose ways the test sets. */
function oneLocated() {
  const capture = createMemoryCapture({ boot: '0011223344556677', onBatch: () => undefined });
  const attachments = createAttachments({ capture, node: 'first', nowMs, log: silent });
  const reconcile = (...ways: readonly Way[]): void => {
    const locate = () => new Map([['uid-web', ways]]);
    attachments.reconcile({ pods: [selected('web')], ports: [] }, { locate });
  };
  return { capture, attachments, reconcile };
}

const atCgroup = (inode: number, ...unseen: Unseen[]): Way => ({
  points: [{ point: '/cgroup/poda', name: 'poda', inode }],
  unseen,
});
const atVeth: Way = {
  points: [{ point: 7, name: 'veth-a' }],
  unseen: [{ interface: 'net1', why: 'it is macvlan' }],
};

test('a pod is seen at its cgroup alone, and is told of with it', (t) => {
  const { capture, attachments, reconcile } = oneLocated();
  reconcile(atCgroup(5), atVeth);
  t.deepEqual([...capture.attached.keys()], ['/cgroup/poda']);
  t.like(attachments.counters(), {
    points: [{ pod: 'shop/web', kind: 'cgroup', name: 'poda' }],
    unseen: [],
    waiting: 0,
  });
});

test('a pod whose cgroup is refused is seen at its veth, and at its cgroup once that is not', (t) => {
  const { capture, attachments, reconcile } = oneLocated();
  capture.refuseCgroups();
  reconcile(atCgroup(5), atVeth);
  reconcile(atCgroup(5), atVeth);
  t.deepEqual([...capture.attached.keys()], [7]);
  t.is(capture.detaches, 0);
  t.like(attachments.counters(), { unseen: [{ interface: 'net1' }], waiting: 0 });
  reconcile(atVeth);
  t.deepEqual([...capture.attached.keys()], [7]);
});

test('a cgroup that is made anew is attached to anew, and one that goes is let go', (t) => {
  const { capture, attachments, reconcile } = oneLocated();
  reconcile(atCgroup(5));
  reconcile(atCgroup(5));
  t.is(attachments.counters().attaches, 1);
  reconcile(atCgroup(6));
  t.is(capture.detaches, 1);
  t.is(attachments.counters().attaches, 2);
  reconcile(atVeth);
  t.deepEqual([...capture.attached.keys()], [7]);
});

test('a pod whose veth others came to first is told, with their programs', (t) => {
  const { capture, attachments, reconcile } = oneLocated();
  capture.setOvertaken(7, 12, 13);
  capture.setOvertaken(8, 14);
  reconcile(atVeth);
  const [, told, ...others] = attachments.counters().unseen;
  t.deepEqual(others, []);
  t.like(told, { pod: 'shop/web', interface: '*' });
  t.regex(told?.why ?? '', /programs 12, 13 .* came before the agent at veth-a$/);
});

/** Attachments whose every look at the clock finds a good part of a slice gone, of pods that are seen at these points. */
function slowAttachments(points: ReadonlyMap<string, CapturePoint>) {
  const capture = createMemoryCapture({ boot: '0011223344556677', onBatch: () => undefined });
  let now = 0;
  const slow = () => (now += 80);
  const attachments = createAttachments({ capture, node: 'first', nowMs: slow, log: silent });
  const ways = new Map(
    [...points].map(([name, point]): [string, Way[]] => [
      `uid-${name}`,
      [{ points: [{ point, name }], unseen: [] }],
    ]),
  );
  const reconcile = (wanted: readonly string[]): boolean =>
    attachments.reconcile({ pods: wanted.map(selected), ports: [] }, { locate: () => ways });
  return { capture, attachments, reconcile };
}

test('of many pods some are attached at a time, and none is detached before its successor', (t) => {
  const names = Array.from({ length: 12 }, (_one, at) => `pod-${at}`);
  const { capture, attachments, reconcile } = slowAttachments(
    new Map(names.map((name, at) => [name, 100 + at])),
  );
  const half = names.slice(0, 6);
  t.true(reconcile(half));
  const { attached, waiting } = attachments.counters();
  t.true(attached >= 1 && attached < 6);
  t.is(attached + waiting, 6);
  while (reconcile(half)) t.is(capture.detaches, 0);
  t.like(attachments.counters(), { attached: 6, waiting: 0 });
  while (reconcile(names.slice(6))) continue;
  t.like(attachments.counters(), { attached: 6, waiting: 0 });
  t.is(capture.detaches, 6);
  t.is(attachments.counters().failures, 0);
});

test('points that are refused take no time from the others, and are tried again in the next round', (t) => {
  const refused = Array.from({ length: 5 }, (_one, at) => `refused-${at}`);
  const others = Array.from({ length: 5 }, (_one, at) => `other-${at}`);
  const { capture, attachments, reconcile } = slowAttachments(
    new Map([
      ...refused.map((name): [string, CapturePoint] => [name, `/cgroup/${name}`]),
      ...others.map((name, at): [string, CapturePoint] => [name, 100 + at]),
    ]),
  );
  capture.refuseCgroups();
  const round = (): void => {
    for (let slices = 0; reconcile([...refused, ...others]); slices += 1) t.true(slices < 20);
  };
  round();
  t.like(attachments.counters(), { attached: 5, waiting: 5, failures: 5 });
  round();
  t.like(attachments.counters(), { attached: 5, waiting: 5, failures: 10 });
});
