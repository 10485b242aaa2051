import test from 'ava';
import fc from 'fast-check';
import { compile } from '../../../functions/policy/compile.ts';
import { renderEnvoy } from '../../../functions/mesh/envoy/renderer.ts';
import { createEnvoyValidator } from '../../../functions/mesh/envoy/validator.ts';
import { isRecord } from '../../../functions/lib/plain-value.ts';
import { admitDocument } from '../../../functions/resources/admission.ts';
import { judgeDocument } from '../../../functions/resources/schema/judge-document.ts';
import {
  trafficPolicySpec,
  type TrafficPolicy,
} from '../../../knative/resources/traffic-policy.ts';
import { apiVersion } from '../../../knative/resources/meta.ts';
import { envoyBinary, envoyMissing } from '../mesh/envoy/envoy.ts';
import { policyOf } from './examples.ts';

const explain = createEnvoyValidator({ binary: envoyBinary });

const label = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?$/);
const odd = fc.oneof(
  fc.string({ unit: 'grapheme-ascii', maxLength: 8 }).map((tail) => `/${tail}`),
  fc.stringMatching(/^\/[\w;=%~-]{0,6}$/),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 4 }),
  fc.constantFrom('/', '/a?b', 'a', '*', '%zz', '\u0000', '\n', '\ud800', ' ', '/\u00e9'),
);
const pieces =
  'a / ( ) [ ] [^ - * +? {2} {900} \\d \\ | [:alpha:] \\pL \\Q \\E (?i) (?P<n> \\x41 \\n é . ^ $';
const regex = fc
  .array(fc.constantFrom(...pieces.split(' ')), { minLength: 1, maxLength: 8 })
  .map((parts) => parts.join(''));
const text = fc.oneof(
  fc.record({ exact: odd }),
  fc.record({ prefix: odd }),
  regex.map((each) => ({ regex: each })),
);
const duration = fc
  .tuple(
    fc.oneof(fc.integer({ min: 1, max: 600 }), fc.nat(40_000_000)),
    fc.constantFrom('ms', 's', 'm', 'h'),
  )
  .map(([n, unit]) => `${n}${unit}`);
const percent = fc.oneof(
  fc.double({ min: 0, max: 100, noNaN: true }),
  fc.constantFrom(0, 100, 1e-7),
);
const fault = fc.record(
  {
    delay: fc.record({ duration, percent }),
    abort: fc.record({ status: fc.integer({ min: 200, max: 599 }), percent }),
  },
  { requiredKeys: [] },
);
const versions = ['v1', 'v2', 'v3'];
const spec = fc.record({
  target: fc.record({
    host: fc.oneof(
      fc.stringMatching(/^[a-z0-9*]([-a-z0-9.]{0,8}[a-z0-9])?$/),
      fc.constantFrom('*', '*.a.b', 'a..b', '*-a', '1.2.3.4', '*a'),
    ),
    port: fc.integer({ min: 1, max: 65_535 }),
  }),
  versions: fc.tuple(
    ...versions.map((name) =>
      fc.record({
        name: fc.constant(name),
        endpoints: fc.array(
          fc.record({
            address: fc.oneof(
              fc.ipV4(),
              fc.ipV6(),
              fc.constantFrom('::', '::ffff:1.2.3.4', '0.0.0.0'),
            ),
            port: fc.integer({ min: 1, max: 65_535 }),
          }),
          { minLength: 1, maxLength: 3 },
        ),
      }),
    ),
  ),
  rules: fc.array(
    fc.record(
      {
        name: label,
        match: fc.array(
          fc.record(
            {
              path: text,
              method: fc.constantFrom('GET', 'POST', 'HEAD'),
              headers: fc.array(
                fc.record({
                  name: fc.stringMatching(/^[a-z0-9!#$%&'*+.^_`|~-]{1,6}$/),
                  value: text,
                }),
                { minLength: 1, maxLength: 2 },
              ),
            },
            { requiredKeys: [] },
          ),
          { minLength: 1, maxLength: 2 },
        ),
        split: fc.subarray(versions, { minLength: 1 }).chain((names) =>
          fc.tuple(
            ...names.map((version) =>
              fc.record(
                {
                  version: fc.constant(version),
                  weight: fc.oneof(fc.nat(1_000_000), fc.nat(3)),
                  fault,
                },
                { requiredKeys: ['version', 'weight'] },
              ),
            ),
          ),
        ),
        timeout: duration,
      },
      { requiredKeys: ['split'] },
    ),
    { minLength: 1, maxLength: 3 },
  ),
});

/** The policy that admission makes of it; undefined when it refuses. */
function admitted(name: string, wanted: unknown): TrafficPolicy | undefined {
  const metadata = { name, namespace: 'random' };
  try {
    const document = { apiVersion, kind: 'TrafficPolicy', metadata, spec: wanted };
    const { spec: given } = admitDocument('TrafficPolicy', document);
    return policyOf(trafficPolicySpec.parse(given), { name });
  } catch {
    return undefined;
  }
}

/** The policy that an API server stores while no webhook answers; undefined when it refuses. */
function storedWithoutLint(name: string, wanted: unknown): TrafficPolicy | undefined {
  const metadata = { name, namespace: 'random' };
  const document = { apiVersion, kind: 'TrafficPolicy', metadata, spec: wanted };
  const { whole, misfits, broken } = judgeDocument('TrafficPolicy', document);
  if (misfits.length + broken.length > 0 || !isRecord(whole)) return undefined;
  return policyOf(trafficPolicySpec.parse(whole['spec']), { name });
}

for (const [title, stored] of [
  ['whatever policy is admitted, Envoy takes what it is rendered to', admitted],
  ['whatever policy is stored without lint, Envoy takes what is left of it', storedWithoutLint],
] as const) {
  (envoyMissing === undefined ? test : test.skip)(title, async (t) => {
    const policies = fc
      .sample(spec, { numRuns: 3_000, seed: Date.now() & 0xffff })
      .flatMap((each, index) => stored(`p${index}`, each) ?? []);
    t.log(`${policies.length} policies`);
    t.true(policies.length > 50);
    const refused = async (some: readonly TrafficPolicy[]): Promise<string | undefined> => {
      // Listeners depend on their port alone, and would want their files.
      const resources = { ...renderEnvoy(compile(some, []).form, '/xds'), listeners: [] };
      const reason = await explain(resources);
      if (reason === undefined) return undefined;
      if (some.length === 1) return `${reason}: ${JSON.stringify(some[0]?.spec)}`;
      const half = some.length >> 1;
      return (await refused(some.slice(0, half))) ?? (await refused(some.slice(half))) ?? reason;
    };
    t.is(await refused(policies), undefined);
  });
}
