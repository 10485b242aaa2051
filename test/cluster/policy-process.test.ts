import test from 'ava';
import { intentOf } from '../functions/policy/examples.ts';
import { istioDefinitions, meshStand } from '../functions/mesh/istio/stand.ts';
import { leaveOut } from './leave-out.ts';
import { changed, deliver, pinged } from './processes/events.ts';
import { createWorld } from './processes/world.ts';
import { whyLeftOut } from './with-cluster.ts';

const why =
  (await whyLeftOut()) ??
  leaveOut(istioDefinitions === undefined ? 'the programs of Istio are not built' : undefined);
if (why !== undefined) process.stderr.write(`${why}\n`);
const serial = why === undefined ? test.serial : test.serial.skip;

serial(
  'two processes of policy keep Istio at what the run wants, with one of them killed on the way, and give the exact bytes back',
  async (t) => {
    t.timeout(180_000);
    const world = await createWorld(t);
    const { client, resources } = world;
    const namespace = 'mesh';
    const { setSpec, setRun, read, bytes, programmed } = await meshStand(t, client, namespace);
    let first = await world.start('policy');
    const second = await world.start('policy');
    const tell = async (kind: 'TrafficPolicy' | 'ExperimentRun', name: string): Promise<void> => {
      const object = await resources.get(kind, namespace, name);
      if (object === undefined) throw new Error(`${name} is gone`);
      const event = changed('update', object);
      await Promise.all([deliver(first.url, event), deliver(second.url, event)]);
    };

    await setSpec();
    await tell('TrafficPolicy', 'proxy');
    t.is(await programmed(), 'True Programmed');
    const before = await bytes();

    await setRun({ phase: 'Running', intent: intentOf(10) });
    const run = await resources.get('ExperimentRun', namespace, 'try-1');
    if (run === undefined) throw new Error('the run is gone');
    const event = changed('update', run);
    const interrupted = deliver(first.url, event).catch(() => undefined);
    await first.kill();
    await interrupted;
    first = await world.start('policy');
    await deliver(first.url, event);
    const during = await bytes();
    t.not(during, before);
    const version = (await read('VirtualService'))?.metadata.resourceVersion;
    for (const { url } of [first, second]) {
      await deliver(url, event);
      await deliver(url, pinged('policy-resync'));
    }
    t.is((await read('VirtualService'))?.metadata.resourceVersion, version, 'told again');

    await setRun({ phase: 'RolledBack', intent: intentOf(0, 2) });
    await tell('ExperimentRun', 'try-1');
    await deliver(second.url, pinged('policy-resync'));
    t.is(await bytes(), before);
    t.deepEqual(await Promise.all([first, second].map(async (each) => each.end())), [0, 0]);
  },
);
