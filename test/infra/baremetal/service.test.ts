import { execFile } from 'node:child_process';
import { appendFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { leaveOut } from '../../cluster/leave-out.ts';
import { temporaryFolder, until } from '../../functions/host/helpers.ts';
import { bootHost, whyNoHost, type Host } from './host.ts';

const run = promisify(execFile);
const repository = fileURLToPath(new URL('../../../', import.meta.url));
const parts = ['clickhouse', 'control-plane', 'envoy', 'agent'] as const;
const left = leaveOut(whyNoHost());
const onHost = left === undefined ? test.serial : test.skip;
if (left !== undefined) process.stderr.write(`services of systemd are left out: ${left}\n`);

/** CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF. */
const captureCapabilities = (1n << 12n) | (1n << 38n) | (1n << 39n);

const property = (host: Host, part: string, name: string): Promise<string> =>
  host.sh(`systemctl show -P ${name} clover-${part}`);

const isActive = async (host: Host, part: string): Promise<boolean> =>
  (await property(host, part, 'ActiveState')) === 'active';

/** A server in a network of its own, as a container's, and what the agent has to know of it. */
const application = `
ip link add app0 type veth peer name eth0
unshare --net --fork --kill-child sh -c 'while ! ip link set eth0 up; do sleep 0.1; done
  ip addr add 10.99.0.2/24 dev eth0
  exec /usr/lib/clover/node -e "require(\\"http\\").createServer((_, r) => r.end(\\"hello\\")).listen(8080, \\"10.99.0.2\\")"' \
  </dev/null >/dev/null 2>&1 &
until pid=$(tr -d ' ' </proc/$!/task/$!/children) && ip link set eth0 netns "$pid" 2>/dev/null; do sleep 0.1; done
ip addr add 10.99.0.1/24 dev app0
ip link set app0 up
index=$(nsenter --target "$pid" --net ip -o link show eth0 | sed -E 's/.*eth0@if([0-9]+):.*/\\1/')
interface=$(ip -o link | sed -nE "s/^$index: ([^@:]+).*/\\1/p")
cat >/etc/clover/pods.json.new <<FILE
{ "pods": [{ "namespace": "default", "name": "app-1", "uid": "app-1", "labels": { "app": "app", "version": "v1" }, "interface": "$interface" }] }
FILE
mv /etc/clover/pods.json.new /etc/clover/pods.json`;

const wishes = `
apiVersion: clover.dev/v1alpha1
kind: Tap
metadata: { name: all }
spec: { ports: [8080] }
---
apiVersion: clover.dev/v1alpha1
kind: TrafficPolicy
metadata: { name: app }
spec:
  target: { host: app.example, port: 80 }
  versions: [{ name: v1, endpoints: [{ address: 10.99.0.2, port: 8080 }] }]
  rules: [{ split: [{ version: v1, weight: 100 }] }]
`;

const context = `cloverctl config set-context here --url http://127.0.0.1:7700 --token-file /etc/clover/secrets/token
cloverctl config use-context here`;

const cloverctl = (args: string): string => `cloverctl ${args}`;

const ask = `/usr/lib/clover/node -e '
  require("http")
    .get({ host: "127.0.0.1", headers: { host: "app.example" } }, (answer) => answer.pipe(process.stdout))
    .on("error", () => {})'`;

const steerAsAgent = `/usr/lib/clover/node -e '
  const token = require("fs").readFileSync("/etc/clover/secrets/agent-token", "utf8").trim();
  fetch("http://127.0.0.1:7700/apis/clover.dev/v1alpha1/namespaces/default/trafficpolicies/app", {
    method: "DELETE",
    headers: { authorization: "Bearer " + token },
  }).then(({ status }) => process.stdout.write(String(status)))'`;

onHost('a host gets Clover, runs it under systemd, and is rid of it again', async (t) => {
  t.timeout(300_000);
  const folder = await temporaryFolder(t);
  const release = join(folder, 'release');
  await run(process.execPath, ['infra/baremetal/release.ts', '--out', release], {
    cwd: repository,
  });
  const host = await bootHost(t, join(folder, 'host'), release);
  const install = (...args: readonly string[]) => host.run(['/release/install.sh', ...args]);

  const plan = await install('--dry-run');
  t.is(plan.code, 0, plan.stderr);
  t.regex(plan.stdout, /^create {3}\/usr\/lib\/clover\/node$/m);
  const unasked = await install();
  t.is(unasked.code, 1);
  t.regex(unasked.stderr, /nobody is there to be asked/);
  t.deepEqual(await traces(host), []);

  const installed = await install('--yes');
  t.is(installed.code, 0, `${installed.stderr}\n${await host.log()}`);
  for (const part of parts) t.true(await isActive(host, part), part);

  // Nobody is root, and only the agent and the gateway may do anything beyond what all may.
  const status = async (part: string, line: string): Promise<string> =>
    host.sh(
      `awk '/^${line}:/ { print $2 }' /proc/$(systemctl show -P MainPID clover-${part})/status`,
    );
  for (const part of parts) t.not(await status(part, 'Uid'), '0', part);
  t.is(BigInt(`0x${await status('agent', 'CapEff')}`), captureCapabilities);
  t.is(BigInt(`0x${await status('agent', 'CapBnd')}`), captureCapabilities);
  t.is(BigInt(`0x${await status('envoy', 'CapEff')}`), 1n << 10n);
  for (const part of ['clickhouse', 'control-plane']) {
    t.is(BigInt(`0x${await status(part, 'CapBnd')}`), 0n, part);
  }
  t.is(
    await host.sh(
      `cd /etc/clover && find . -type f -perm /077 | xargs grep -l -f secrets/token -f secrets/agent-token || true`,
    ),
    '',
  );

  // What the kernel counts of the agent, its programs and maps too, is less than what its unit allows. Not the cache of files: it goes
  // where there is no room.
  const counted = '/sys/fs/cgroup/memory/system.slice/clover-agent.service/memory';
  const memory = await host.run([
    'awk',
    '/^[0-9]+$/ || /^rss / { print $NF }',
    ...['limit_in_bytes', 'kmem.max_usage_in_bytes', 'stat'].map((name) => `${counted}.${name}`),
  ]);
  if (memory.code === 0) {
    const [limit = 0, kernel = 0, rss = 0] = memory.stdout.split('\n').map(Number);
    t.is(limit, 96 * 2 ** 20);
    t.true(rss > 0 && kernel + rss < 0.8 * limit, `${kernel} and ${rss} of ${limit} bytes`);
    t.log(
      `the agent takes ${Math.round(rss / 2 ** 20)} MiB, in the kernel ${Math.round(kernel / 2 ** 20)}`,
    );
  } else {
    t.log('left out: memory is not limited by cgroup v1 here');
  }

  await host.sh(context);
  await host.sh(application);
  const applied = await host.run(['bash', '-c', cloverctl('apply -f -')], wishes);
  t.is(applied.code, 0, applied.stderr);
  await until(async () => (await host.log()).includes('"msg":"attached"'));
  await until(async () => (await host.run(['bash', '-c', ask])).stdout === 'hello');
  for (let asked = 0; asked < 5; asked += 1) t.is(await host.sh(ask), 'hello');
  await until(async () => /^app +v1 +Server/m.test(await host.sh(cloverctl('red'))));

  // What the agent sends by steers nothing.
  t.is(await host.sh(steerAsAgent), '403');

  const pids = (): Promise<string[]> =>
    Promise.all(parts.map((part) => property(host, part, 'MainPID')));
  const before = await pids();
  const again = await install('--yes');
  t.is(again.code, 0, again.stderr);
  t.regex(again.stdout, /no file changes/);
  t.deepEqual(await pids(), before);

  // Another version of one part is another process of that part alone.
  await appendFile(join(release, 'lib/agent/agent.mjs'), '\n// newer\n');
  const newer = await install('--yes');
  t.is(newer.code, 0, newer.stderr);
  t.regex(newer.stdout, /^replace {2}\/usr\/lib\/clover\/agent\/agent\.mjs$/m);
  const updated = await pids();
  t.deepEqual(
    parts.filter((_, at) => updated[at] !== before[at]),
    ['agent'],
  );

  // What was replaced while nothing was to be started, or by a run that did not come to its end, is started anew by the next one.
  await appendFile(join(release, 'lib/agent/agent.mjs'), '// newer still\n');
  const quiet = await install('--yes', '--no-start');
  t.regex(quiet.stdout, /^Still on the files of before, .*: clover-agent\.service$/m);
  await appendFile(join(release, 'lib/control-plane/control-plane.mjs'), '\n// newer\n');
  await host.sh(`cp /usr/bin/systemctl /usr/bin/systemctl.kept
    printf '#!/bin/sh\\n[ "$1" != daemon-reload ] || exit 1\\nexec /usr/bin/systemctl.kept "$@"\\n' >/usr/bin/systemctl.new
    chmod 755 /usr/bin/systemctl.new && mv /usr/bin/systemctl.new /usr/bin/systemctl`);
  t.not((await install('--yes')).code, 0);
  await host.sh('mv /usr/bin/systemctl.kept /usr/bin/systemctl');
  t.deepEqual(await pids(), updated);
  const resumed = await install('--yes');
  t.regex(resumed.stdout, /no file changes/);
  t.regex(resumed.stdout, /^Started anew: clover-agent\.service clover-control-plane\.service$/m);
  const current = await pids();
  t.deepEqual(
    parts.filter((_, at) => current[at] !== updated[at]),
    ['control-plane', 'agent'],
  );

  // Killed parts come back on what they had.
  for (const part of parts) await host.sh(`systemctl kill --signal=SIGKILL clover-${part}`);
  for (const [at, part] of parts.entries()) {
    await until(async () => (await property(host, part, 'MainPID')) !== current[at]);
    await until(() => isActive(host, part));
  }
  t.is(await host.sh(ask), 'hello');
  t.regex(await host.sh(cloverctl('get trafficpolicies')), /^app /m);

  await host.sh('systemctl stop clover.target "clover-*.service"');
  for (const part of parts) t.is(await property(host, part, 'Result'), 'success', part);
  t.regex(await host.log(), /"msg":"drained"/);
  t.regex(await host.log(), /"msg":"agent stopped"/);

  // The gateway needs nobody: not a control plane that cannot start, not its own last life.
  await host.sh(`cd /etc/clover && mv control-plane.json kept && echo '{' >control-plane.json`);
  await host.sh('systemctl start clover.target');
  await until(() => isActive(host, 'envoy'));
  t.is(await host.sh(ask), 'hello');
  t.false(await isActive(host, 'control-plane'));
  await host.sh('cd /etc/clover && mv kept control-plane.json');
  await until(() => isActive(host, 'control-plane'));

  t.is((await install('--yes', '--parts', 'clickhouse,control-plane,envoy')).code, 0);
  t.false(await isActive(host, 'agent'));
  t.true(await isActive(host, 'envoy'));

  await host.sh(`echo '{' >/etc/clover/control-plane.json
    ! systemctl restart clover-control-plane`);
  const gone = await install('--uninstall', '--yes');
  t.is(gone.code, 0, gone.stderr);
  t.is(await host.sh('systemctl list-units --all --plain --no-legend "clover*"'), '');
  t.is(await host.sh('cat /etc/clover/secrets/token | wc -c'), '33');
  t.deepEqual(
    await host.sh('ls /usr/lib/clover /usr/bin/cloverctl 2>&1 | grep -vc "cannot access" || true'),
    '0',
  );
  const twice = await install('--uninstall', '--yes');
  t.is(twice.code, 0);
  t.regex(twice.stdout, /not installed/);

  t.is((await install('--yes', '--parts', 'clickhouse', '--no-start')).code, 0);
  t.is((await install('--uninstall', '--yes', '--delete-data')).code, 0);
  t.deepEqual(await traces(host), []);
});

/** Everything of ours that was written to the host, by name. */
async function traces(host: Host): Promise<string[]> {
  const names = await Promise.all(
    host.written.map((folder) => readdir(folder, { recursive: true })),
  );
  // Whiteouts of overlayfs are character devices by the name of what is gone: none is left, as it was all in the upper layer.
  return names.flat().filter((name) => /clover/.test(name));
}
