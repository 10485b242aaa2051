import test from 'ava';
import fc from 'fast-check';
import { z } from 'zod';
import { webhookEntry } from '../../../knative/catalogue.ts';
import { renderInstallation } from '../../../knative/render/render-installation.ts';
import { knativeTrigger } from '../../../knative/render/trigger.ts';
import {
  installationInput,
  installationOf,
  type InstallationInput,
} from '../../knative/render/installations.ts';
import { changedAt } from '../crd/documents.ts';
import { startProgram } from '../line-program.ts';

/** Where `npm run test:conformance:knative` builds the code of Knative's webhooks. */
const webhooks = startProgram(
  new URL('../../../.cache/conformance-knative', import.meta.url).pathname,
);
test.after.always(() => webhooks.close());

/** What they say, with features of Eventing as its config-features would have them. */
const problemsOf = async (
  object: unknown,
  features: Readonly<Record<string, string>> = {},
): Promise<string> =>
  z
    .array(z.string())
    .parse(await webhooks.ask({ object, features }))
    .join('\n');

const oidc = { 'authentication-oidc': 'enabled' };

const isKnative = ({ apiVersion }: { readonly apiVersion: string }): boolean =>
  /^[a-z.]*knative\.dev\//.test(apiVersion);

const least = installationOf({ oidc: true });

test("Knative's webhooks take every object of any installation without fields behind a feature", async (t) => {
  let asked = 0;
  await fc.assert(
    fc.asyncProperty(installationInput, async (input) => {
      const { tolerations: _, priorityClass: _class, ...unflagged } = input;
      for (const object of renderInstallation(installationOf(unflagged)).filter(isKnative)) {
        const features = input.oidc === true ? oidc : {};
        t.is(await problemsOf(object, features), '', JSON.stringify(object));
        asked += 1;
      }
    }),
    { numRuns: 30 },
  );
  t.true(asked > 500);
});

const serviceOf = (changes: Partial<InstallationInput>): object =>
  renderInstallation(installationOf(changes)).find(
    ({ apiVersion }) => apiVersion === 'serving.knative.dev/v1',
  ) ?? {};

test('they refuse tolerations, a priority class, a bound of Retry-After and EventPolicies while the feature is off', async (t) => {
  const tolerated = await problemsOf(serviceOf({ tolerations: [{ operator: 'Exists' }] }));
  t.regex(tolerated, /must not set the field\(s\): .*tolerations/);
  const favoured = await problemsOf(serviceOf({ priorityClass: 'control' }));
  t.regex(favoured, /must not set the field\(s\): .*priorityClassName/);
  const [trigger] = webhookEntry('webhook').triggers;
  const bounded = trigger === undefined ? {} : knativeTrigger(least, 'webhook', trigger);
  t.regex(await problemsOf(bounded), /must not set the field\(s\): spec.delivery.retryAfterMax/);
  t.is(await problemsOf(bounded, { 'delivery-retryafter': 'enabled' }), '');
  const policy = renderInstallation(least).find(({ kind }) => kind === 'EventPolicy');
  t.regex(await problemsOf(policy), /oidc-authentication feature not enabled/);
});

test('they would say if a value were none of Knative', async (t) => {
  const objects = renderInstallation(least).filter(isKnative);
  const broken: readonly [string, readonly string[], unknown][] = [
    ['ApiServerSource', ['spec', 'mode'], 'Whole'],
    ['Broker', ['spec', 'delivery', 'backoffDelay'], '0.2s'],
    ['EventPolicy', ['spec', 'from', '0', 'sub'], 'somebody'],
    ['PingSource', ['spec', 'schedule'], '* * *'],
    ['PingSource', ['spec', 'timezone'], 'Mars/Olympus'],
    ['Service', ['spec', 'template', 'spec', 'timeoutSeconds'], 601],
    ['Service', ['spec', 'template', 'spec', 'containerConcurrency'], 1_001],
    ['Service', ['spec', 'template', 'spec', 'hostNetwork'], true],
    ['SinkBinding', ['spec', 'sink'], {}],
    ['Trigger', ['spec', 'filters'], [{ exact: { Type: 'x' } }]],
  ];
  for (const [kind, path, value] of broken) {
    const object = objects.find((candidate) => candidate.kind === kind);
    const changed = changedAt(object, path, value);
    t.not(await problemsOf(changed, oidc), '', `${kind}: ${path.join('.')}`);
  }
});
