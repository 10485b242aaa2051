import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { pino } from 'pino';
import type { PodDirectory } from '../../agent/pod-directory.ts';
import { podFile } from '../../agent/pod-file.ts';
import { eventually } from './helpers/test-agent.ts';

const pod = { namespace: 'shop', name: 'cart-1', uid: 'cart-1' };

interface Opened {
  readonly dir: string;
  readonly pods: PodDirectory;
}

/** A folder with the directory of such pods, of which one has the interface `veth1`. */
async function open(
  t: ExecutionContext,
  podsIn: (dir: string) => readonly object[],
): Promise<Opened> {
  const dir = await mkdtemp(join(tmpdir(), 'clover-pods-'));
  const file = join(dir, 'pods.json');
  await writeFile(file, JSON.stringify({ pods: podsIn(dir) }));
  const pods = podFile({
    file,
    ifindexOf: (name) => (name === 'veth1' ? 7 : undefined),
    log: pino({ level: 'silent' }),
  })(() => undefined);
  t.teardown(async () => {
    await pods.stop();
    await rm(dir, { recursive: true, force: true });
  });
  return { dir, pods };
}

const waysOf = (pods: PodDirectory): readonly (readonly unknown[])[] =>
  (pods.locate(new Set([pod.uid])).get(pod.uid) ?? []).map(({ points }) =>
    points.map(({ point }) => point),
  );

test('a pod is seen at its interface, once that is there', async (t) => {
  const { pods } = await open(t, () => [{ ...pod, interface: 'veth1' }]);
  await eventually('the pods', () => pods.pods()?.length === 1);
  t.deepEqual(waysOf(pods), [[7]]);
  const { pods: others } = await open(t, () => [{ ...pod, interface: 'veth2' }]);
  await eventually('the pods', () => others.pods()?.length === 1);
  t.deepEqual(waysOf(others), []);
});

test('a pod is seen at its cgroup, and at its interface until that is there', async (t) => {
  const { dir, pods } = await open(t, (folder) => [
    { ...pod, interface: 'veth1', cgroup: join(folder, 'cart') },
  ]);
  await eventually('the pods', () => pods.pods()?.length === 1);
  t.deepEqual(waysOf(pods), [[7]]);
  await mkdir(join(dir, 'cart'));
  t.deepEqual(waysOf(pods), [[join(dir, 'cart')], [7]]);
});

const two = (place: object): readonly object[] => [
  { ...pod, ...place },
  { ...pod, ...place, uid: 'cart-2' },
];

for (const [what, list] of [
  ['neither interface nor cgroup', [pod]],
  ['the cgroup of another one', two({ cgroup: '/cart' })],
  ['the interface of another one', two({ interface: 'veth1' })],
  ['a cgroup that is no absolute path', [{ ...pod, cgroup: 'cart' }]],
] as const) {
  test(`a directory is refused in which a pod has ${what}`, async (t) => {
    const { pods } = await open(t, () => list);
    await eventually('a refusal', () => pods.failed === 1);
    t.is(pods.pods(), undefined);
  });
}
