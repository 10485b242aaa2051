import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import test from 'ava';
import { listenOnLoopback, temporaryFolder } from '../../functions/host/helpers.ts';
import { runCli } from '../run-cli.ts';

test('the token of a context of the kubeconfig is asked for at every call, also where a plugin gives it', async (t) => {
  const home = join(await temporaryFolder(t), 'home');
  const asked: unknown[] = [];
  const server = createServer(({ headers }, response) => {
    asked.push(headers.authorization);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ items: [] }));
  });
  const port = await listenOnLoopback(server);
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  mkdirSync(home);
  const kubeconfig = join(home, 'kubeconfig');
  const plugin = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: process.execPath,
    args: [
      '-p',
      'JSON.stringify({ apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status: { token: "of-plugin" } })',
    ],
    interactiveMode: 'Never',
  };
  const users = {
    fixed: { token: 'of-fixed' },
    plugin: { exec: plugin },
    certificate: { 'client-certificate-data': 'eA==', 'client-key-data': 'eA==' },
    broken: { exec: { ...plugin, args: ['-e', 'process.exit(1)'] } },
  };
  const names = Object.keys(users);
  const use = (current: string): void =>
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': current,
        clusters: [{ name: 'one', cluster: { server: 'https://127.0.0.1:1' } }],
        users: Object.entries(users).map(([name, user]) => ({ name, user })),
        contexts: names.map((name) => ({ name, context: { cluster: 'one', user: name } })),
      }),
    );
  const cli = (args: string) =>
    runCli(args.split(' '), { variables: { CLOVER_HOME: home, KUBECONFIG: kubeconfig } });
  use('fixed');
  const set = `config set-context cluster --url http://127.0.0.1:${port}`;
  await cli(`${set} --token-file ${join(home, 'none')}`);
  t.is((await cli('config set-context cluster --kube-token')).stderr, '');
  use('plugin');
  t.is((await cli('--context cluster deadletters list')).stderr, 'no dead letters\n');
  await cli('config set-context cluster --kube-token plugin');
  t.is((await cli('--context cluster deadletters list')).stderr, 'no dead letters\n');
  t.deepEqual(asked, ['Bearer of-fixed', 'Bearer of-plugin']);
  t.regex((await cli('config get-contexts')).stdout, / kubeconfig plugin +config\.json/);

  for (const [args, why] of [
    [
      'certificate',
      /"certificate" of the kubeconfig logs in without a token: "kubectl create token/,
    ],
    ['broken', /"broken" of the kubeconfig gives no token: /],
    ['red', /no context "red": it has fixed, plugin, certificate, broken/],
    ['fixed --token-stdin', /--token-file, --token-stdin and --kube-token: give one of them/],
  ] as const) {
    const { code, stderr } = await cli(`config set-context cluster --kube-token ${args}`);
    t.not(code, 0);
    t.regex(stderr, why);
  }
});
