import test from 'ava';
import fc from 'fast-check';
import type { ExperimentRun } from '../../../knative/resources/experiment-run.ts';
import type { TrafficPolicy } from '../../../knative/resources/traffic-policy.ts';
import { formatArmStamp } from '../../../functions/lib/arm-stamp.ts';
import { canonicalJson } from '../../../functions/lib/canonical-json.ts';
import { compile } from '../../../functions/policy/compile.ts';
import { renderEnvoy } from '../../../functions/mesh/envoy/renderer.ts';
import type { DestinationForm } from '../../../functions/mesh/traffic-form.ts';
import { createdAfter, intentOf, policyOf, runOf } from './examples.ts';

const split = (weights: Record<string, number>): TrafficPolicy['spec']['rules'][number] => ({
  split: Object.entries(weights).map(([version, weight]) => ({ version, weight })),
});

function destinations(policy: TrafficPolicy, runs: ExperimentRun[], rule = 0): DestinationForm[] {
  const route = compile([policy], runs).form.listeners[0]?.hosts[0]?.routes[rule];
  return [...(route?.destinations ?? [])];
}

function shown(policy: TrafficPolicy, runs: ExperimentRun[], rule = 0): string[] {
  return destinations(policy, runs, rule).map(
    ({ cluster, weight, stamp }) => `${cluster} ${weight} ${formatArmStamp(stamp)}`,
  );
}

test('traffic without a run carries the standing stamp of the policy generation', (t) => {
  const policy = policyOf({ rules: [split({ v1: 75, v2: 25, v3: 0 })] }, { generation: 7 });
  t.deepEqual(shown(policy, []), ['shop/proxy/v1 3 -.7.v1', 'shop/proxy/v2 1 -.7.v2']);
});

test('a run divides the joint weight of its arms anew and leaves the others alone', (t) => {
  const policy = policyOf({ rules: [split({ v1: 60, v3: 40 })] });
  const run = runOf({ phase: 'Running', intent: intentOf(25, 3) });
  t.deepEqual(shown(policy, [run]), [
    'shop/proxy/v1 9 try-1.3.control',
    'shop/proxy/v2 3 try-1.3.variant',
    'shop/proxy/v3 8 -.1.v3',
  ]);
});

test('a split without weight on either arm is not touched', (t) => {
  const policy = policyOf({ rules: [split({ v3: 1 }), split({ v1: 1 })] });
  const run = runOf({ phase: 'Running', intent: intentOf(50) });
  t.deepEqual(shown(policy, [run], 0), ['shop/proxy/v3 1 -.1.v3']);
  t.is(shown(policy, [run], 1).length, 2);
});

test('while a run rolls back, the control has everything and still the stamp of the run', (t) => {
  const run = runOf({ phase: 'RollingBack', intent: intentOf(0, 4) });
  t.deepEqual(shown(policyOf(), [run]), ['shop/proxy/v1 1 try-1.4.control']);
});

for (const phase of ['Pending', 'RolledBack', 'Failed'] as const) {
  test(`a run that is ${phase} does not lie over the spec`, (t) => {
    const run = runOf({ phase, intent: intentOf(50) });
    t.deepEqual(shown(policyOf(), [run]), ['shop/proxy/v1 1 -.1.v1']);
  });
}

test('runs of other policies and namespaces, and arms that the spec lacks, change nothing', (t) => {
  const status = { phase: 'Running', intent: intentOf(50) } as const;
  const runs = [
    runOf(status, {}, { target: 'other' }),
    runOf(status, { namespace: 'elsewhere' }),
    runOf(status, {}, { variant: 'v9' }),
  ];
  t.deepEqual(shown(policyOf(), runs), ['shop/proxy/v1 1 -.1.v1']);
});

test('a succeeded run holds its traffic until the spec agrees, and then for ever lets go', (t) => {
  const run = runOf({ phase: 'Succeeded', intent: intentOf(100, 5) });
  const before = compile([policyOf()], [run]);
  t.deepEqual(shown(policyOf(), [run]), ['shop/proxy/v2 1 try-1.5.variant']);
  t.deepEqual(
    before.policies[0]?.overlays.map((each) => [each.run, each.awaitsSpec]),
    [['try-1', true]],
  );
  t.deepEqual(before.policies[0]?.released, []);

  const agreed = policyOf({ rules: [split({ v1: 0, v2: 1 })] }, { generation: 2 });
  t.deepEqual(shown(agreed, [run]), ['shop/proxy/v2 1 -.2.v2']);
  const released = compile([agreed], [run]).policies[0]?.released ?? [];
  t.deepEqual(released, ['uid-try-1']);

  const back = policyOf({}, { generation: 3 });
  const after = compile([back], [run], { released: new Set(released) });
  t.deepEqual(after.form.listeners[0]?.hosts[0]?.routes[0]?.destinations[0]?.stamp.arm, 'v1');
  t.deepEqual(after.policies[0]?.released, released);
});

test('a succeeded run does not reach a policy that was made anew', (t) => {
  const run = runOf({ phase: 'Succeeded', intent: intentOf(100) });
  const anew = policyOf({}, { creationTimestamp: createdAfter(60) });
  t.deepEqual(shown(anew, [run]), ['shop/proxy/v1 1 -.1.v1']);
});

test('a newer run works on the traffic that an older one made, and stamps what it touches', (t) => {
  const older = runOf({ phase: 'Succeeded', intent: intentOf(100, 9) });
  const newer = runOf(
    { phase: 'Running', intent: intentOf(50) },
    { name: 'again', creationTimestamp: createdAfter(20) },
    { control: 'v2', variant: 'v3' },
  );
  const expected = ['shop/proxy/v2 1 again.1.control', 'shop/proxy/v3 1 again.1.variant'];
  t.deepEqual(shown(policyOf(), [newer, older]), expected);
});

test('a drill fault falls on the variant alone and wins over the same sort in the spec', (t) => {
  const policy = policyOf({
    rules: [
      {
        split: [
          { version: 'v1', weight: 50 },
          {
            version: 'v2',
            weight: 50,
            fault: {
              delay: { duration: '10ms', percent: 100 },
              abort: { status: 500, percent: 1 },
            },
          },
        ],
      },
    ],
  });
  const fault = { delay: { duration: '2s', percent: 50 } };
  const run = runOf({ phase: 'Running', intent: { ...intentOf(50), fault } });
  t.deepEqual(
    destinations(policy, [run]).map((destination) => destination.fault),
    [undefined, { delay: { ms: 2_000, percent: 50 }, abort: { status: 500, percent: 1 } }],
  );
});

test('of two policies with one host and port the older is rendered and the other is told why', (t) => {
  const younger = policyOf({}, { name: 'a-late', creationTimestamp: createdAfter(5) });
  const { form, policies } = compile([younger, policyOf()], []);
  t.deepEqual(
    policies.map(({ policy, conflict }) => [policy.metadata.name, conflict]),
    [
      ['proxy', undefined],
      ['a-late', 'shop/proxy'],
    ],
  );
  t.deepEqual(
    form.listeners.map(({ hosts }) => hosts.map(({ name }) => name)),
    [['shop/proxy']],
  );
});

test('every version keeps its cluster, also one without traffic', (t) => {
  const names = compile([policyOf()], []).form.clusters.map(({ name }) => name);
  t.deepEqual(names, ['shop/proxy/v1', 'shop/proxy/v2', 'shop/proxy/v3']);
});

const bytes = (policy: TrafficPolicy, runs: ExperimentRun[]): string =>
  canonicalJson(renderEnvoy(compile([policy], runs).form, '/xds'));

const weight = fc.integer({ min: 0, max: 1_000 });
const weights = fc
  .record({ v1: weight, v2: weight, v3: weight })
  .filter(({ v1, v2, v3 }) => v1 + v2 + v3 > 0);
/** In ten-thousandths of a percent. */
const share = fc.integer({ min: 0, max: 1_000_000 });

test('weights after the division are exact', (t) => {
  fc.assert(
    fc.property(weights, fc.integer({ min: 0, max: 1_000 }), (spec, tenths) => {
      const run = runOf({ phase: 'Running', intent: intentOf(tenths / 10) });
      const given = destinations(policyOf({ rules: [split(spec)] }), [run]);
      const of = (version: string): bigint =>
        BigInt(given.find(({ cluster }) => cluster.endsWith(version))?.weight ?? 0);
      const total = BigInt(spec.v1 + spec.v2 + spec.v3);
      const sum = of('v1') + of('v2') + of('v3');
      const joint = BigInt(spec.v1 + spec.v2);
      return (
        of('v2') * total * 1_000n === joint * BigInt(tenths) * sum &&
        of('v1') * total * 1_000n === joint * BigInt(1_000 - tenths) * sum &&
        of('v3') * total === BigInt(spec.v3) * sum
      );
    }),
  );
  t.pass();
});

test('weights stay positive and below 2^31 in sum, whatever runs lie over each other', (t) => {
  const big = fc.integer({ min: 1, max: 1_000_000 });
  fc.assert(
    fc.property(big, big, share, share, (v1, v3, first, second) => {
      const runs = [
        runOf({ phase: 'Running', intent: intentOf(first / 10_000) }),
        runOf(
          { phase: 'Running', intent: intentOf(second / 10_000) },
          { name: 'b', creationTimestamp: createdAfter(20) },
          { control: 'v2', variant: 'v3' },
        ),
      ];
      const given = destinations(policyOf({ rules: [split({ v1, v3 })] }), runs);
      const sum = given.reduce((total, each) => total + each.weight, 0);
      return (
        given.every((each) => Number.isInteger(each.weight) && each.weight > 0) && sum < 2 ** 31
      );
    }),
  );
  t.pass();
});

test('an intent never puts a fault on the control or on a bystander', (t) => {
  const fault = { abort: { status: 503, percent: 100 } };
  fc.assert(
    fc.property(weights, share, (spec, parts) => {
      const run = runOf({ phase: 'Running', intent: { ...intentOf(parts / 10_000), fault } });
      return destinations(policyOf({ rules: [split(spec)] }), [run]).every(
        (each) => (each.fault !== undefined) === (each.stamp.arm === 'variant'),
      );
    }),
  );
  t.pass();
});

test('routes keep the order of the rules, one per match', (t) => {
  const match = fc.record({ path: fc.record({ prefix: fc.stringMatching(/^\/[a-z]{1,8}$/) }) });
  fc.assert(
    fc.property(
      fc.array(fc.array(match, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 }),
      (matches) => {
        const rules = matches.map((each, index) => ({
          name: `r${index}`,
          match: each,
          ...split({ v1: 1 }),
        }));
        const { form } = compile([policyOf({ rules })], []);
        const rendered = canonicalJson(renderEnvoy(form, '/xds').routes['8080']);
        const found = [...rendered.matchAll(/"prefix":"([^"]*)"\},"name":"(r\d+)"/g)];
        const expected = matches.flatMap((each, index) =>
          each.map(({ path }) => [path.prefix, `r${index}`]),
        );
        return (
          canonicalJson(found.map(([, prefix, name]) => [prefix, name])) === canonicalJson(expected)
        );
      },
    ),
  );
  t.pass();
});

test('after a roll-back the bytes are those from before the run', (t) => {
  fc.assert(
    fc.property(weights, share, (spec, parts) => {
      const policy = policyOf({ rules: [split(spec)] });
      const intent = intentOf(parts / 10_000);
      const during = bytes(policy, [runOf({ phase: 'Running', intent })]);
      const after = bytes(policy, [runOf({ phase: 'RolledBack', intent: intentOf(0, 2) })]);
      const before = bytes(policy, []);
      return after === before && (during !== before || spec.v1 + spec.v2 === 0);
    }),
  );
  t.pass();
});

test('matches that lint was not asked about are left out, and the other rules stay', (t) => {
  const v2 = [{ version: 'v2', weight: 1 }];
  const bad = { path: { regex: '(?=x)' } };
  const good = { path: { prefix: '/a' } };
  const policy = policyOf({
    rules: [{ match: [bad, good], split: v2 }, { match: [bad], split: v2 }, split({ v1: 1 })],
  });
  const { form, policies } = compile([policy], []);
  t.deepEqual(
    form.listeners[0]?.hosts[0]?.routes.map(({ name, matches }) => [name, matches]),
    [
      ['rule-0', [good]],
      ['rule-2', []],
    ],
  );
  t.deepEqual(
    policies[0]?.fitting.ignored.map(({ field }) => field),
    ['spec.rules[0].match[0].path.regex', 'spec.rules[1].match[0].path.regex'],
  );
  const hopeless = compile([policyOf({ rules: [{ match: [bad], split: v2 }] })], []);
  t.is(hopeless.policies[0]?.unfit, 'spec.rules: no rule has a match that a request can fit');
  t.deepEqual(hopeless.form.listeners, []);
});
