import test, { type ExecutionContext } from 'ava';
import { inPlaceOf } from '../../../../functions/mesh/istio/in-place.ts';
import {
  createIstioWriter,
  type PolicyWrite,
} from '../../../../functions/mesh/istio/istio-writer.ts';
import { withLeaving } from '../../../../functions/mesh/istio/leaving.ts';
import { mark, type LiveObject } from '../../../../functions/mesh/istio/live-objects.ts';
import { renderIstio } from '../../../../functions/mesh/istio/renderer.ts';
import { compile } from '../../../../functions/policy/compile.ts';
import type { TrafficPolicy } from '../../../../knative/resources/traffic-policy.ts';
import { applied, onWire, reply } from '../../resources/kubernetes/wire.ts';
import { meshPolicy } from './examples.ts';
import { live } from './live.ts';

const key = 'shop/proxy';
const start = Date.parse('2026-05-01T00:00:00Z');
const drainMs = 5_000;

const everyFifth = { abort: { status: 503, percent: 20 } };
const faulty = meshPolicy({
  rules: [{ split: [{ version: 'v2', weight: 1, fault: everyFifth }] }],
});
const plain = meshPolicy({ versions: meshPolicy().spec.versions.slice(0, 1) });

/** What a policy is rendered to, and what it was made from. */
function compiled(policy: TrafficPolicy) {
  const traffic = compile([policy], []);
  const wanted = renderIstio(traffic.form).get(key);
  const [own] = traffic.policies;
  if (wanted === undefined || own === undefined) throw new Error('not rendered');
  return { wanted, policy: own };
}

/** All objects of a policy as they are in place, its routes changed at a time. */
function inPlace(policy: TrafficPolicy, changed: number): readonly LiveObject[] {
  const { wanted, policy: own } = compiled(policy);
  const annotations = {
    [mark.basis]: own.basis,
    [mark.released]: '',
    [mark.changed]: new Date(changed).toISOString(),
  };
  const routes = live(wanted.virtualService, { annotations, owners: [own.uid] });
  return [routes, live(wanted.destinationRule), ...wanted.faults.map((fault) => live(fault))];
}

/** A writer whose clock the test sets, and what it has written: `METHOD plural`. */
async function bench(t: ExecutionContext) {
  const { client, asked } = await onWire(t, ({ body, method }) =>
    method === 'DELETE' ? reply({ kind: 'Status' }) : applied(body),
  );
  const clock = { at: start, now: () => clock.at, sleep: async () => undefined };
  const writer = createIstioWriter({ client, clock, drainMs });
  const written = (): string[] =>
    asked.map(({ method, path }) => `${method} ${path.split('/').at(-2)}`);
  const program = async (what: PolicyWrite): Promise<number> =>
    (await writer.provide(what)).route();
  return { writer, program, clock, asked, written };
}

test('what routes no longer need goes by a resync, and only when the drain is over', async (t) => {
  const { writer, program, clock, written } = await bench(t);
  const before = inPlaceOf(inPlace(faulty, start - 60_000), key);
  const write = { ...compiled(plain), hash: 'h', inPlace: before };
  await program({ ...write, resync: true });
  // The routes have changed now: the versions of before stay, and the fault is left where it is.
  t.deepEqual(written(), ['PATCH destinationrules', 'PATCH virtualservices']);

  const [routes, , ...faults] = inPlace(plain, start);
  const versions = live(withLeaving(write.wanted.destinationRule, before.versions?.spec ?? {}));
  const objects = [routes, versions, ...faults, ...before.faults].filter(
    (one) => one !== undefined,
  );
  const later = { ...write, inPlace: inPlaceOf(objects, key) };
  clock.at = start + drainMs - 1;
  await program({ ...later, resync: true });
  clock.at = start + drainMs;
  await program({ ...later, resync: false });
  t.is(written().length, 2);
  await program({ ...later, resync: true });
  t.deepEqual(written().slice(2), ['PATCH destinationrules', 'DELETE envoyfilters']);
  t.deepEqual(writer.counters(), { writes: 3, deletions: 1 });
});

test('routes whose time of change cannot be read are old', async (t) => {
  const { program, written } = await bench(t);
  const objects = [
    ...inPlace(plain, start),
    live({ ...compiled(plain).wanted.destinationRule, name: 'old' }),
  ];
  const [routes] = objects;
  if (routes === undefined) throw new Error('no routes');
  const strange = {
    ...routes,
    annotations: { ...routes.annotations, [mark.changed]: 'yesterday' },
  };
  const inPlaceNow = inPlaceOf([strange, ...objects.slice(1)], key);
  await program({ ...compiled(plain), hash: 'h', inPlace: inPlaceNow, resync: true });
  t.deepEqual(written(), ['DELETE destinationrules']);
});

test('routes are written anew for another basis, though they are the same: that fences off a slow writer', async (t) => {
  const { program, asked } = await bench(t);
  const objects = inPlace(plain, start - 60_000);
  const { wanted, policy } = compiled(plain);
  const write = { wanted, hash: 'h', inPlace: inPlaceOf(objects, key), resync: false };
  t.is(await program({ ...write, policy }), 1);
  t.is(asked.length, 0);
  t.is(await program({ ...write, policy: { ...policy, basis: 'another' } }), 2);
  t.is(asked.length, 1);
  // When they last changed stays: what they needed before is not needed for longer.
  t.like(asked[0]?.body, {
    metadata: {
      annotations: {
        [mark.basis]: 'another',
        [mark.changed]: new Date(start - 60_000).toISOString(),
        [mark.epoch]: '2',
      },
    },
  });
});

test('of a policy that is none any more the routes go at once, and the rest a drain later', async (t) => {
  const { writer, clock, written } = await bench(t);
  const objects = inPlace(faulty, start);
  await writer.remove(key, inPlaceOf(objects, key), true);
  t.deepEqual(written(), ['DELETE virtualservices']);
  const rest = inPlaceOf(objects.slice(1), key);
  clock.at = start + drainMs - 1;
  await writer.remove(key, rest, true);
  clock.at = start + drainMs;
  await writer.remove(key, rest, false);
  t.is(written().length, 1);
  await writer.remove(key, rest, true);
  t.deepEqual(written().slice(1), ['DELETE envoyfilters', 'DELETE destinationrules']);
  // One that has started anew does not know when the routes went: long ago.
  const other = await bench(t);
  await other.writer.remove(key, rest, true);
  t.is(other.written().length, 2);
});
