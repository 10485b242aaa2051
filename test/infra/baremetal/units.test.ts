import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { z } from 'zod';
import { parseAgentConfig } from '../../../agent/config.ts';
import { parseHostConfig } from '../../../functions/host/config.ts';
import { envoyArguments } from '../../../functions/mesh/envoy/bootstrap.ts';
import { agentProcess } from '../../../infra/images/process-bundle.ts';
import { temporaryFolder } from '../../functions/host/helpers.ts';
import { smallRelease } from './small-release.ts';

const run = promisify(execFile);
const own = fileURLToPath(new URL('../../../infra/baremetal/', import.meta.url));
const read = (path: string): Promise<string> => readFile(join(own, path), 'utf8');
const services = ['agent', 'clickhouse', 'control-plane', 'envoy'] as const;

/** All values of a setting of a unit. */
async function settings(service: string, name: string): Promise<string[]> {
  const lines = (await read(`units/clover-${service}.service`)).split('\n');
  return lines
    .filter((line) => line.startsWith(`${name}=`))
    .map((line) => line.slice(name.length + 1));
}

test('Envoy is started with the arguments that the code has for it', async (t) => {
  const [command] = await settings('envoy', 'ExecStart');
  const args = envoyArguments({ bootstrapFile: '/etc/clover/envoy.json', concurrency: 2 });
  t.is(command, ['/usr/lib/clover/envoy/envoy', ...args].join(' '));
});

test('the agent is run as its image runs it', async (t) => {
  const { args = [], env = {} } = agentProcess.node ?? {};
  const [command = ''] = await settings('agent', 'ExecStart');
  const agent = '/usr/lib/clover/agent/agent.mjs --config /etc/clover/agent.json';
  t.is(command, ['/usr/lib/clover/node', ...args, agent].join(' '));
  const lines = await settings('agent', 'Environment');
  const variables = new Set(lines.flatMap((line) => line.split(' ')));
  for (const [name, value] of Object.entries(env)) t.true(variables.has(`${name}=${value}`));
});

test('the settings of a host are taken once their secrets are there', async (t) => {
  const folder = await temporaryFolder(t);
  const control = await read('etc/control-plane.json');
  const secrets = new Map(
    [...control.matchAll(/\/run\/credentials\/([^/]+)\/([\w-]+)/g)].map((found) => [
      found[2],
      found[1],
    ]),
  );
  t.deepEqual(
    [...secrets.keys()],
    ['token', 'agent-token', 'metrics-token', 'clickhouse-password'],
  );
  const loaded = await settings('control-plane', 'LoadCredential');
  for (const [name, unit] of secrets) {
    t.is(unit, 'clover-control-plane.service');
    t.true(loaded.includes(`${name}:/etc/clover/secrets/${name}`));
    await writeFile(join(folder, String(name)), `the-secret-of-${name}\n`);
  }
  const config = parseHostConfig(control.replaceAll(/\/run\/credentials\/[^/]+/g, folder));
  t.is(config.token, 'the-secret-of-token');
  t.is(config.agentToken, 'the-secret-of-agent-token');
  t.is(config.metricsToken, 'the-secret-of-metrics-token');
  t.is(config.gateway?.envoy, '/usr/lib/clover/envoy/envoy');

  const clickhouse = z
    .object({ port: z.int(), password: z.object({ file: z.string() }) })
    .parse(JSON.parse(await read('etc/clickhouse.json')));
  t.is(config.clickhouse.url, `http://127.0.0.1:${clickhouse.port}`);
  t.is(clickhouse.password.file, '/run/credentials/clover-clickhouse.service/clickhouse-password');
  t.deepEqual(await settings('clickhouse', 'LoadCredential'), [
    'clickhouse-password:/etc/clover/secrets/clickhouse-password',
  ]);

  const agent = parseAgentConfig(await read('etc/agent.json'), { NODE_NAME: 'host-1.example' });
  t.is(agent.spans.url, `http://127.0.0.1:${config.listen.port}/functions/ingest`);
  t.is(agent.spans.tokenFile, '/run/credentials/clover-agent.service/token');
  // The agent has no secret but this one, which is good for what it sends alone.
  t.deepEqual(await settings('agent', 'LoadCredential'), ['token:/etc/clover/secrets/agent-token']);
});

test('the agent has three capabilities, the gateway one, the others none', async (t) => {
  const capture = 'CAP_BPF CAP_NET_ADMIN CAP_PERFMON';
  t.deepEqual(await settings('agent', 'CapabilityBoundingSet'), [capture]);
  t.deepEqual(await settings('agent', 'AmbientCapabilities'), [capture]);
  t.deepEqual(await settings('envoy', 'CapabilityBoundingSet'), ['CAP_NET_BIND_SERVICE']);
  for (const service of ['clickhouse', 'control-plane'] as const) {
    t.deepEqual(await settings(service, 'CapabilityBoundingSet'), ['']);
    t.deepEqual(await settings(service, 'AmbientCapabilities'), []);
  }
  for (const service of services) {
    const users = [
      ...(await settings(service, 'DynamicUser')),
      ...(await settings(service, 'User')),
    ];
    t.is(users.length, 1, `${service} has a user, and that is not root`);
  }
  t.deepEqual(await settings('agent', 'MemoryMax'), ['96M']);
});

const analyze = existsSync('/usr/bin/systemd-analyze') ? test : test.skip;
if (analyze === test.skip)
  process.stderr.write('units are not verified: there is no systemd-analyze\n');

analyze('systemd takes the units without a warning, and finds little exposed', async (t) => {
  const folder = await temporaryFolder(t);
  const [release, root] = [join(folder, 'release'), join(folder, 'root')];
  await smallRelease(release, '1');
  await mkdir(root);
  await run(join(release, 'install.sh'), ['--root', root, '--yes']);
  const system = join(root, 'usr/lib/systemd/system');
  for (const unit of ['sysinit', 'basic', 'shutdown', 'network-online', 'multi-user']) {
    await writeFile(join(system, `${unit}.target`), '[Unit]\n');
  }
  const names = ['clover.target', ...services.map((service) => `clover-${service}.service`)];
  // What an agent gets that is to read TLS.
  const manual = await readFile(join(own, '../../docs/bare-metal.md'), 'utf8');
  const more = /```ini\n([^`]*CAP_SYS_PTRACE[^`]*)```/.exec(manual)?.[1] ?? '';
  t.is(
    more.replaceAll('CAP_SYS_PTRACE', ''),
    '[Service]\nAmbientCapabilities=\nCapabilityBoundingSet=\n',
  );
  const dropIn = join(system, 'clover-agent.service.d');
  await mkdir(dropIn);
  await writeFile(join(dropIn, 'override.conf'), more);
  const verified = await run('systemd-analyze', ['verify', '--man=no', `--root=${root}`, ...names]);
  t.is(verified.stderr, '');
  for (const service of services) {
    // Of ten, where ten is a service without any protection: it counts what an agent is for, too.
    const limit = service === 'agent' ? '25' : '20';
    const path = join(root, 'usr/lib/systemd/system', `clover-${service}.service`);
    await t.notThrowsAsync(
      run('systemd-analyze', [
        'security',
        '--no-pager',
        '--offline=true',
        `--root=${root}`,
        `--threshold=${limit}`,
        `clover-${service}.service`,
      ]),
      path,
    );
  }
});
