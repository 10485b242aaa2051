import test from 'ava';
import { parse } from 'yaml';
import { skewWarning } from '../../../cloverctl/commands/version.ts';
import { version } from '../../../functions/lib/version.ts';
import { startApi } from '../../functions/api/server.ts';
import { runCli } from '../run-cli.ts';

test('version tells the client, the server, and that they are too far apart', async (t) => {
  const api = await startApi(t);
  const variables = { CLOVER_SERVER: api.url, CLOVER_TOKEN: api.token };
  const both = await runCli(['version'], { variables });
  t.is(both.code, 0);
  const node = process.versions.node;
  t.is(
    both.stdout,
    `Client Version: ${version} (node ${node})\nServer Version: 1.2.3 (node ${node})\n`,
  );
  t.regex(
    both.stderr,
    /^warning: the versions of client \(\S+\) and server \(1\.2\.3\) differ by more/,
  );
  const yaml: unknown = parse((await runCli(['version', '-o', 'yaml'], { variables })).stdout);
  t.like(yaml, { clientVersion: { version }, serverVersion: { version: '1.2.3' } });
});

test('without a server the client is told all the same, and only --client is no error', async (t) => {
  const variables = { CLOVER_SERVER: 'http://127.0.0.1:2', CLOVER_TOKEN: 'x' };
  const client = await runCli(['version', '--client'], { variables });
  t.deepEqual([client.code, client.stderr], [0, '']);
  t.is(client.stdout, `Client Version: ${version} (node ${process.versions.node})\n`);
  const both = await runCli(['version'], { variables });
  t.is(both.code, 5);
  t.is(both.stdout, client.stdout);
  t.regex(both.stderr, /^error: no control plane answers/);
  const json = await runCli(['version', '--json'], { variables });
  t.is(json.code, 5);
  t.like(JSON.parse(json.stdout), {
    clientVersion: { version },
    error: { code: 'CLV_CONTROL_PLANE_UNREACHABLE' },
  });
});

test('one minor version of difference is fine, more or another major version is not', (t) => {
  t.is(skewWarning('1.4.0', '1.5.9'), undefined);
  t.is(skewWarning('1.4.0', '1.3.0'), undefined);
  t.regex(skewWarning('1.4.0', '1.6.0') ?? '', /client \(1\.4\.0\) and server \(1\.6\.0\)/);
  t.truthy(skewWarning('1.0.0', '2.0.0'));
  t.is(skewWarning('1.4.0', 'unknown'), undefined);
});
