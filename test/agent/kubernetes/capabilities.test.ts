import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { makeSandbox } from '../helpers/sandbox.ts';

const uid = '5c7d1f0a-2222-4333-8444-0123456789ab';
const server = `
import { createServer } from 'node:net';
createServer().listen(8080);
`;

const moduleOf = (path: string): string =>
  fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/** All that the agent does on a node, in its order; prints what it found. */
const steps = `
import { createCapture } from '${moduleOf('native/capture/capture.ts')}';
import { processLinks } from '${moduleOf('native/capture/process-links.ts')}';
import { cgroupRoots, podCgroups } from '${moduleOf('agent/kubernetes/pod-cgroups.ts')}';
import { podProcesses } from '${moduleOf('agent/kubernetes/pod-processes.ts')}';
const capture = createCapture({ boot: '0011223344556677', ringBytes: 65536, onBatch: () => {} });
const [pid] = podProcesses().find(new Set(['${uid}'])).get('${uid}');
const { ours } = processLinks(pid).find(({ name }) => name === 'eth0');
const pod = { namespace: '', name: '', uid: '', node: '', service: '', version: '' };
const cgroups = podCgroups({ roots: cgroupRoots(), nowMs: () => 0 });
const [{ point }] = cgroups.find({ cgroupUid: '${uid}', sandboxed: false });
const kinds = [capture.attach(ours.ifindex, pod), capture.attach(point, pod)];
await capture.close();
console.log(ours.name, kinds.join());
`;

const withCapabilities = async (capabilities: readonly string[], script = steps) => {
  const bounds = ['-all', ...capabilities.map((one) => `+${one}`)].join();
  const node = [process.execPath, '--input-type=module', '-e', script];
  const run = promisify(execFile);
  return run('setpriv', [`--bounding-set=${bounds}`, ...node]).then(
    ({ stdout }) => stdout.trim(),
    (error: unknown) => String(error),
  );
};

const needed = ['bpf', 'net_admin', 'perfmon'];

const makePod = async (t: ExecutionContext): Promise<string> => {
  const sandbox = await makeSandbox(uid, server);
  t.teardown(() => sandbox.remove());
  return sandbox.interface;
};

test.serial('three capabilities are enough for all that an agent does on its node', async (t) => {
  const link = await makePod(t);
  t.is(await withCapabilities(needed), `${link} tcx,cgroup`);
});

const tlsSteps = `
import { createCapture } from '${moduleOf('native/capture/capture.ts')}';
import { tlsLibraryOf } from '${moduleOf('native/capture/tls-library.ts')}';
import { processLibraries } from '${moduleOf('agent/tls/process-libraries.ts')}';
import { podProcesses } from '${moduleOf('agent/kubernetes/pod-processes.ts')}';
import { cgroupRoots, podCgroups } from '${moduleOf('agent/kubernetes/pod-cgroups.ts')}';
const capture = createCapture({ boot: '0011223344556677', ringBytes: 65536, onBatch: () => {} });
const [pid] = podProcesses().find(new Set(['${uid}'])).get('${uid}');
const cgroups = podCgroups({ roots: cgroupRoots(), nowMs: () => 0 });
const [{ point }] = cgroups.find({ cgroupUid: '${uid}', sandboxed: false });
capture.attach(point, { namespace: '', name: '', uid: '', node: '', service: '', version: '' });
const { libraries } = processLibraries({ libraryOf: tlsLibraryOf }).lookInto(pid);
if (libraries !== 'denied') capture.attachProcess(pid, point, libraries[0].path);
await capture.close();
console.log(libraries === 'denied' ? 'denied' : libraries[0].name);
`;

test.serial('TLS of another process takes CAP_SYS_PTRACE, and no more', async (t) => {
  await makePod(t);
  t.is(await withCapabilities([...needed, 'sys_ptrace'], tlsSteps), 'OpenSSL');
  t.is(await withCapabilities(needed, tlsSteps), 'denied');
});

for (const dropped of needed) {
  test.serial(`without ${dropped} it says what it needs`, async (t) => {
    await makePod(t);
    const rest = needed.filter((one) => one !== dropped);
    const said = await withCapabilities(rest);
    t.regex(said, /CLV_CAPTURE_UNAVAILABLE[^]*CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON/);
    // The verifier says why, at the end of all that it has looked at.
    if (dropped === 'perfmon') t.regex(said, /CAP_PERFMON\n[^]*\nprocessed \d+ insns/);
  });
}
