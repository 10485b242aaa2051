import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createKubeClient } from '../../../../functions/resources/kubernetes/client.ts';
import { kubeconfigConnection } from '../../../../functions/resources/kubernetes/kubeconfig.ts';
import { listenOnLoopback, temporaryFolder } from '../../host/helpers.ts';
import { onWire, reply } from './wire.ts';

const names = ['blue', 'green'];

/** A file with two contexts, perhaps without a current one. */
async function written(
  t: ExecutionContext,
  current?: string,
  proxy?: string,
  server?: string,
): Promise<string> {
  const file = join(await temporaryFolder(t), 'config');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    ...(current !== undefined && { 'current-context': current }),
    clusters: names.map((name) => ({
      name,
      cluster: {
        server: server ?? `https://${name}.example:6443`,
        ...(proxy !== undefined && { 'proxy-url': proxy }),
      },
    })),
    users: names.map((name) => ({ name, user: { token: `token-of-${name}` } })),
    contexts: names.map((name) => ({ name, context: { cluster: name, user: name } })),
  };
  await writeFile(file, JSON.stringify(config));
  return file;
}

test('the current context is meant, or the one that is named; its connections are kept', async (t) => {
  const file = await written(t, 'blue');
  const blue = await kubeconfigConnection(file);
  t.is(blue.server.href, 'https://blue.example:6443/');
  const green = await kubeconfigConnection(file, 'green');
  t.is(green.server.href, 'https://green.example:6443/');
  const [once, again] = [await green.options(), await green.options()];
  t.is(once.headers['Authorization'], 'Bearer token-of-green');
  t.is(once.agent, again.agent);
  t.not(once.agent, (await blue.options()).agent);
});

test('a proxy that the kubeconfig names is the way to the API server', async (t) => {
  const asked: (string | undefined)[] = [];
  const proxy = createServer().on('connect', (request: IncomingMessage, socket: Socket) => {
    asked.push(request.url);
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  const url = `http://127.0.0.1:${await listenOnLoopback(proxy)}`;
  t.teardown(() => proxy.close());
  const file = await written(t, 'blue', url);
  const client = createKubeClient(await kubeconfigConnection(file));
  const call = client.call({ method: 'GET', path: '/version' });
  await t.throwsAsync(call, { code: 'CLV_KUBERNETES_UNREACHABLE' });
  t.deepEqual(asked, ['blue.example:6443']);
});

test('a proxy of kubectl is spoken to in plain HTTP, without credentials', async (t) => {
  const { connection, asked } = await onWire(t, () => reply({ gitVersion: 'v1' }));
  const file = await written(t, 'blue', undefined, connection.server.origin);
  const client = createKubeClient(await kubeconfigConnection(file));
  t.deepEqual(await client.call({ method: 'GET', path: '/version' }), { gitVersion: 'v1' });
  t.is(asked[0]?.headers['authorization'], undefined);
});

test('what is missing is named, with the way out', async (t) => {
  const file = await written(t);
  const code = 'CLV_CONFIG_INVALID';
  await t.throwsAsync(kubeconfigConnection(file), { code, message: /kubectl config use-context/ });
  await t.throwsAsync(kubeconfigConnection(file, 'red'), {
    code,
    message: 'the kubeconfig has no context "red": it has blue, green',
  });
  await t.throwsAsync(kubeconfigConnection('/nowhere/config'), {
    code,
    message: /the kubeconfig cannot be read: .*\/nowhere\/config/,
  });
  const broken = join(await temporaryFolder(t), 'config');
  await writeFile(broken, 'contexts: [');
  await t.throwsAsync(kubeconfigConnection(broken), { code, message: /cannot be read/ });
});
