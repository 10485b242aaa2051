import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

import { z } from 'zod';
import test, { type ExecutionContext } from 'ava';

import { createCapture } from '../../../native/capture/capture.ts';
import { rungs } from '../../../native/capture/types.ts';
import { pod } from './conversation.ts';
import { bpfIdsOf, startTestbed, type Testbed } from './testbed.ts';

const captureUrl = new URL('../../../native/capture/capture.ts', import.meta.url).href;

/** Names of Clover's filters at an interface. */
const filtersAt = (link: string, ...inside: readonly string[]): readonly string[] =>
  ['ingress', 'egress'].flatMap((direction) => {
    const command = [...inside, 'tc', 'filter', 'show', 'dev', link, direction];
    const shown = execFileSync('env', command, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return shown.match(/clover:\S+/g) ?? [];
  });
const filtersInside = ({ namespace }: Testbed): readonly string[] =>
  filtersAt('eth0', 'ip', 'netns', 'exec', namespace);

const ifindexIn = ({ namespace }: Testbed, link: string): number => {
  const shown = execFileSync('ip', ['-n', namespace, '-o', 'link', 'show', link]);
  return Number.parseInt(shown.toString(), 10);
};

const maps = z.object({ map_ids: z.array(z.int()) });
const named = z.object({ name: z.string() });
const perCpu = z.array(
  z.object({
    formatted: z.object({
      values: z.array(z.object({ value: z.object({ segments: z.int() }) })),
    }),
  }),
);

const bpftool = (...args: readonly string[]): unknown =>
  JSON.parse(execFileSync('bpftool', ['--json', ...args], { encoding: 'utf8' }));

const nameOf = (kind: 'map' | 'prog', id: number): string =>
  named.parse(bpftool(kind, 'show', 'id', String(id))).name;

/** What a program has counted, whether its process lives or not. */
function segmentsSeenBy(program: number): number {
  const { map_ids: ids } = maps.parse(bpftool('prog', 'show', 'id', String(program)));
  const counters = ids.find((id) => nameOf('map', id) === 'counters');
  const dump = perCpu.parse(bpftool('map', 'dump', 'id', String(counters)));
  const values = dump.flatMap(({ formatted }) => formatted.values);
  return values.reduce((sum, { value }) => sum + value.segments, 0);
}

for (const rung of rungs) {
  test.serial(`an interface is captured by ${rung}, and let go`, async (t) => {
    const bed = await startTestbed();
    t.teardown(() => bed[Symbol.dispose]());
    const capture = createCapture({
      boot: '8899aabbccddeeff',
      ringBytes: 65_536,
      rungs: [rung],
      onBatch: () => undefined,
    });
    t.teardown(() => capture.close());
    t.is(capture.attach(bed.ifindex, pod), rung);
    t.is(filtersAt(bed.link).length, rung === 'clsact' ? 2 : 0);
    capture.detach(bed.ifindex);
    t.deepEqual(filtersAt(bed.link), []);
    t.throws(() => capture.attach(2_000_000_000, pod), { code: 'CLV_CAPTURE_UNAVAILABLE' });
  });
}

/** A process in the namespace of a bed that captures its end of the veth by filters. */
async function holdFilters(t: ExecutionContext, bed: Testbed): Promise<ChildProcess> {
  const code = `
    import { createCapture } from ${JSON.stringify(captureUrl)};
    const held = createCapture({ boot: '8899aabbccddeeff', rungs: ['clsact'], onBatch: () => {} });
    held.attach(${ifindexIn(bed, 'eth0')}, ${JSON.stringify(pod)});
    console.log('up');
    setInterval(() => held.ledger(), 1_000);`;
  const node = [process.execPath, '--input-type=module', '-e', code];
  const child = spawn('ip', ['netns', 'exec', bed.namespace, ...node], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

/** What the filter of a process counts, whether that lives or not. */
function counterOf(child: ChildProcess): () => number {
  const { programs } = bpfIdsOf(child.pid ?? 0);
  const program = programs.find((id) => nameOf('prog', id) === 'tap_from_qdisc') ?? 0;
  return () => segmentsSeenBy(program);
}

// In a namespace of its own: every start sweeps the one that it is in, and other tests start, too.
test.serial(
  'filters of who was killed do nothing after 5 s, and the next start sweeps them',
  async (t) => {
    const bed = await startTestbed();
    t.teardown(() => bed[Symbol.dispose]());
    const [killed, lives] = [await holdFilters(t, bed), await holdFilters(t, bed)];
    const [byKilled, byLiving] = [counterOf(killed), counterOf(lives)];
    const ask = async (): Promise<void> => {
      await fetch(`http://${bed.address}:${bed.port}/small`).then((response) => response.text());
    };
    await ask();
    t.true(byKilled() > 0);
    t.is(byLiving(), byKilled());
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    await delay(5_500);
    const before = byKilled();
    await ask();
    t.is(byKilled(), before);
    t.true(byLiving() > before);
    t.is(filtersInside(bed).length, 4);
    await holdFilters(t, bed);
    t.is(filtersInside(bed).length, 4, 'its own, and those of the living');
  },
);
