import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { processLinks } from '../../../native/capture/process-links.ts';
import type { ProcessLink } from '../../../native/capture/types.ts';
import { withForeignPrograms } from './foreign-program.ts';

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });

/** A network namespace with a process in it, and the name that a veth of it may have on the outside. */
const makeNamespace = async (t: ExecutionContext) => {
  const name = `clv${randomBytes(3).toString('hex')}`;
  ip('netns', 'add', name);
  t.teardown(() => ip('netns', 'del', name));
  const child = await inside(t, name);
  return { name, outer: `${name}h`, pid: child.pid ?? 0 };
};

/** Resolves once the process is in the namespace. */
const inside = async (t: ExecutionContext, namespace: string): Promise<ChildProcess> => {
  const child = spawn(
    'nsenter',
    [`--net=/run/netns/${namespace}`, 'sh', '-c', 'echo; exec sleep 60'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  t.teardown(() => child.kill('SIGKILL'));
  if (child.stdout !== null) await once(child.stdout, 'data');
  return child;
};

const ifindexOf = (name: string): number =>
  Number(readFileSync(`/sys/class/net/${name}/ifindex`, 'utf8'));

const linksOf = (pid: number): readonly ProcessLink[] => {
  const links = processLinks(pid);
  if (links === undefined || links === 'own') throw new Error('no namespace of its own');
  return links;
};

test('a veth is told with its end in our namespace, under the index that it has there', async (t) => {
  const { name, outer, pid } = await makeNamespace(t);
  ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
  t.deepEqual(processLinks(pid), [
    { name: 'lo', kind: '' },
    { name: 'eth0', kind: 'veth', ours: { name: outer, ifindex: ifindexOf(outer) } },
  ]);
});

test('two namespaces may give their ends the same index: each is told its own', async (t) => {
  const [one, two] = [await makeNamespace(t), await makeNamespace(t)];
  for (const { name, outer } of [one, two]) {
    ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', 'eth0', 'index', '77', 'netns', name);
  }
  for (const { outer, pid } of [one, two]) {
    t.like(processLinks(pid), { 1: { name: 'eth0', ours: { name: outer } } });
  }
});

test('what is no veth is told by its kind, and has no end here', async (t) => {
  const { name, outer, pid } = await makeNamespace(t);
  ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
  ip('link', 'add', 'link', outer, 'name', 'net1', 'netns', name, 'type', 'macvlan');
  t.deepEqual(linksOf(pid)[2], { name: 'net1', kind: 'macvlan' });
});

test('XDP programs are told, of the end of the process and of ours', async (t) => {
  const { name, outer, pid } = await makeNamespace(t);
  ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
  const source = 'SEC("xdp") int pass(struct xdp_md *ctx) { return XDP_PASS; }';
  withForeignPrograms(source, (object) => {
    ip('-n', name, 'link', 'set', 'eth0', 'xdpgeneric', 'obj', object, 'sec', 'xdp');
    const [, theirs] = linksOf(pid);
    t.like(theirs, { xdp: true, ours: { xdp: undefined } });
    ip('-n', name, 'link', 'set', 'eth0', 'xdpgeneric', 'off');
    ip('link', 'set', outer, 'xdp', 'obj', object, 'sec', 'xdp');
    const [, end] = linksOf(pid);
    t.like(end, { xdp: undefined, ours: { name: outer, xdp: true } });
  });
});

test('a veth between two other namespaces has no end here', async (t) => {
  const [one, two] = [await makeNamespace(t), await makeNamespace(t)];
  ip('-n', one.name, 'link', 'add', 'a0', 'type', 'veth', 'peer', 'name', 'b0', 'netns', two.name);
  t.deepEqual(linksOf(one.pid)[1], { name: 'a0', kind: 'veth' });
});

test('a namespace that nothing joins with ours is told, too', async (t) => {
  const { pid } = await makeNamespace(t);
  t.deepEqual(processLinks(pid), [{ name: 'lo', kind: '' }]);
});

test('a process of our own namespace, and one that is gone', async (t) => {
  t.is(processLinks(process.pid), 'own');
  const child = spawn('true');
  await once(child, 'close');
  t.is(processLinks(child.pid ?? 0), undefined);
});
