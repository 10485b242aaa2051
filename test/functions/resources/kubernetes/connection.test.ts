import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import test from 'ava';
import { inClusterConnection } from '../../../../functions/resources/kubernetes/connection.ts';
import { temporaryFolder } from '../../host/helpers.ts';

const monotonicMs = (): number => 0;
const env = { KUBERNETES_SERVICE_HOST: '10.0.0.1' };

test('a pod finds its server by the variables of the kubelet, of both families', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'ca.crt'), rootCertificates[0] ?? '');
  const serverOf = (host: string, port?: string): string => {
    const own = { KUBERNETES_SERVICE_HOST: host, ...(port && { KUBERNETES_SERVICE_PORT: port }) };
    return inClusterConnection({ env: own, folder, monotonicMs }).server.href;
  };
  t.is(serverOf('10.0.0.1'), 'https://10.0.0.1/');
  t.is(serverOf('10.0.0.1', '6443'), 'https://10.0.0.1:6443/');
  t.is(serverOf('fd00::1', '6443'), 'https://[fd00::1]:6443/');
});

test('its token is read again after a minute, and not before; its connections are kept', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'ca.crt'), rootCertificates[0] ?? '');
  await writeFile(join(folder, 'token'), 'first\n');
  let now = 0;
  const pod = inClusterConnection({ env, folder, monotonicMs: () => now });
  const first = await pod.options();
  t.is(first.headers['authorization'], 'Bearer first');
  await writeFile(join(folder, 'token'), 'second\n');
  now = 60_000;
  t.is((await pod.options()).headers['authorization'], 'Bearer first');
  now = 60_001;
  const second = await pod.options();
  t.is(second.headers['authorization'], 'Bearer second');
  t.is(second.agent, first.agent);
  await rm(join(folder, 'token'));
  now = 120_002;
  await t.throwsAsync(pod.options(), {
    code: 'CLV_CONFIG_INVALID',
    message: /automountServiceAccount/,
  });
});

test('outside of a pod, and in one without an account, it is said what is missing', (t) => {
  for (const nothing of [{}, { KUBERNETES_SERVICE_HOST: '' }]) {
    t.throws(() => inClusterConnection({ env: nothing, monotonicMs }), {
      code: 'CLV_CONFIG_INVALID',
      message: /KUBERNETES_SERVICE_HOST is not set: this is no pod; give a kubeconfig/,
    });
  }
  t.throws(() => inClusterConnection({ env, folder: '/nowhere', monotonicMs }), {
    code: 'CLV_CONFIG_INVALID',
    message: /cannot read \/nowhere\/ca\.crt/,
  });
});
