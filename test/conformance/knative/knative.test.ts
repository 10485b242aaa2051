import test from 'ava';
import fc from 'fast-check';
import { renderInstallation } from '../../../knative/render/render-installation.ts';
import { installationInput, installationOf } from '../../knative/render/installations.ts';
import { changedAt } from '../crd/documents.ts';
import { startOracle } from '../crd/oracle.ts';
import { knativeDefinitions } from './definitions.ts';

const definitions = await knativeDefinitions();
const oracle = await startOracle(definitions);
test.after.always(() => oracle.close());

const isKnative = ({ apiVersion }: { readonly apiVersion: string }): boolean =>
  /^[a-z.]*knative\.dev\//.test(apiVersion);

test('the definitions of the real Knative are good ones', (t) => {
  t.is(definitions.size, 7);
  for (const [path, answer] of oracle.definitions) t.deepEqual(answer.errors, [], path);
});

test('an API server with the definitions of the real Knative takes every object of any installation', async (t) => {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(installationInput, async (input) => {
      for (const object of renderInstallation(installationOf(input)).filter(isKnative)) {
        const { errors } = await oracle.ask(object);
        t.deepEqual(errors, [], JSON.stringify(object));
        seen.add(object.kind);
      }
    }),
    { numRuns: 30 },
  );
  t.deepEqual([...seen].sort(), [
    'ApiServerSource',
    'Broker',
    'EventPolicy',
    'PingSource',
    'Service',
    'SinkBinding',
    'Trigger',
  ]);
});

test('it would not take them with a field misspelt, or of another type', async (t) => {
  const objects = renderInstallation(installationOf({ oidc: true })).filter(isKnative);
  const broken: readonly [string, readonly string[], unknown][] = [
    ['ApiServerSource', ['spec', 'resources', '0', 'kinds'], 'Tap'],
    ['Broker', ['spec', 'delivery', 'backoffDelay'], 2],
    ['EventPolicy', ['spec', 'from', '0', 'reference'], {}],
    ['PingSource', ['spec', 'schedule'], 5],
    [
      'Service',
      ['spec', 'template', 'spec', 'containers', '0', 'securityContext', 'readonly'],
      true,
    ],
    ['SinkBinding', ['spec', 'subject', 'kinds'], 'DaemonSet'],
    ['Trigger', ['spec', 'subscriber', 'reference'], {}],
  ];
  for (const [kind, path, value] of broken) {
    const object = objects.find((candidate) => candidate.kind === kind);
    const { accepted } = await oracle.ask(changedAt(object, path, value));
    t.false(accepted, `${kind}: ${path.join('.')}`);
  }
});
