import test from 'ava';
import { renderInstallation } from '../../../knative/render/render-installation.ts';
import { accountsOf } from '../../../knative/render/account-settings.ts';
import { installationOf } from './installations.ts';

const tokens = { callers: 'token', agents: 'token-of-agents' };
const key = 'iam.gke.io/gcp-service-account';

for (const knative of [true, false]) {
  const named = accountsOf(installationOf({ knative }));

  test(`each account that may be named is there, ${knative ? 'with Knative' : 'in one process'}`, (t) => {
    const marks = Object.fromEntries(named.map((name) => [name, { [key]: `${name}@p.example` }]));
    const installation = installationOf({ knative, serviceAccountAnnotations: marks });
    const marked = renderInstallation(installation, tokens).flatMap(({ kind, metadata }) =>
      kind === 'ServiceAccount' && metadata.annotations !== undefined
        ? [[metadata.name, metadata.annotations] as const]
        : [],
    );
    t.deepEqual(Object.fromEntries(marked), marks);
  });
}

test('an account of which nothing is said has no annotations', (t) => {
  const serviceAccountAnnotations = { agent: { [key]: 'a@p.example' } };
  const marked = renderInstallation(installationOf({ serviceAccountAnnotations }), tokens).filter(
    ({ kind, metadata }) => kind === 'ServiceAccount' && 'annotations' in metadata,
  );
  t.deepEqual(
    marked.map(({ metadata }) => metadata.name),
    ['agent'],
  );
});
