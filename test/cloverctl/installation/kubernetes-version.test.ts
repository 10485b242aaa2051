import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { olderKubernetesFix } from '../../../cloverctl/installation/kubernetes-version.ts';
import { temporaryFolder } from '../../functions/host/helpers.ts';
import { onWire, refusal, reply } from '../../functions/resources/kubernetes/wire.ts';
import { runCli } from '../run-cli.ts';

test('clusters from 1.31 on are new enough, whoever built them', (t) => {
  for (const version of ['v1.31.0', 'v1.37.2', 'v1.33.4-gke.1172000', 'v2.0.0', 'devel', '']) {
    t.is(olderKubernetesFix(version), undefined, version);
  }
  for (const version of ['v1.30.14', 'v1.30.9-eks-8cce635', 'v1.9.0', 'v0.31.0']) {
    t.regex(olderKubernetesFix(version) ?? '', /Kubernetes 1\.31 or newer/, version);
  }
});

test('install refuses a cluster that is older before it does anything, and doctor names it', async (t) => {
  const { connection, asked } = await onWire(t, ({ path }) => {
    if (path === '/version') return reply({ gitVersion: 'v1.30.14' });
    if (path === '/apis') return reply({ groups: [] });
    return path.endsWith('/selfsubjectaccessreviews')
      ? reply({ status: { allowed: false } })
      : refusal(404);
  });
  const file = join(await temporaryFolder(t), 'config');
  const config = {
    'current-context': 'it',
    contexts: [{ name: 'it', context: { cluster: 'it', user: 'it' } }],
    clusters: [
      { name: 'it', cluster: { server: connection.server.href, 'insecure-skip-tls-verify': true } },
    ],
    users: [{ name: 'it', user: { token: 'secret' } }],
  };
  await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'Config', ...config }));
  const variables = { KUBECONFIG: file };
  const clickhouse = 'clickhouse={url: "http://c:1", passwordSecret: {name: c, key: p}}';
  const refused = await runCli(['install', '--set', clickhouse], { variables });
  t.is(refused.code, 1, refused.stderr);
  t.regex(refused.stderr, /v1\.30\.14.*Clover needs Kubernetes 1\.31 or newer/);
  t.true(asked.every(({ method }) => method === 'GET'));
  const told = await runCli(['doctor'], { variables });
  t.regex(told.stdout, /^✗ Kubernetes: v1\.30\.14\n {2}Clover needs Kubernetes 1\.31 or newer\n/);
});
