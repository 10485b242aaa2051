import test from 'ava';
import type { ProcessLook } from '../../../agent/tls/process-libraries.ts';
import { createTlsAttachments, type TlsPoint } from '../../../agent/tls/tls-attachments.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import { silent } from '../../functions/host/helpers.ts';

const library = (file: string, more: Partial<ProcessLook['libraries'][number] & object> = {}) => ({
  name: 'OpenSSL',
  version: '3.0.19',
  readable: true,
  file,
  path: `/proc/1/root${file}`,
  ...more,
});

/** A node of which a test says who runs where, with what; told is what the capture was asked for. */
function makeNode() {
  const procs = new Map<string, readonly number[]>();
  const found = new Map<number, ProcessLook>();
  const told: string[] = [];
  const refused = new Set<string>();
  const clock = { ms: 0 };
  const attachments = createTlsAttachments({
    capture: {
      attachProcess(pid, point, file) {
        if (refused.has(file)) throw new CloverError('CLV_CAPTURE_UNAVAILABLE', 'no uprobes here');
        told.push(`+${pid} ${point} ${file}`);
      },
      detachProcess: (pid) => void told.push(`-${pid}`),
    },
    processes: {
      processesIn: (cgroup) => procs.get(cgroup) ?? [],
      lookInto: (pid) => found.get(pid),
    },
    nowMs: () => clock.ms,
    log: silent,
  });
  const run = (cgroup: string, pid: number, ...files: readonly string[]): void => {
    procs.set(cgroup, [...new Set([...(procs.get(cgroup) ?? []), pid])]);
    found.set(pid, { started: '1', libraries: files.map((file) => library(file)) });
  };
  const take = (): string[] => told.splice(0);
  return { attachments, procs, found, refused, clock, run, take };
}

const point = (wanted: boolean, name = '/c/web'): TlsPoint => ({
  point: name,
  pod: `shop${name}`,
  wanted,
});

test('each process of a pod that is wanted is read, and let go when it ends', (t) => {
  const { attachments, procs, run, take } = makeNode();
  run('/c/web', 10, '/lib/libssl.so.3');
  run('/c/web', 11, '/lib/libssl.so.3');
  attachments.reconcile([point(true)]);
  const path = '/proc/1/root/lib/libssl.so.3';
  t.deepEqual(take(), [`+10 /c/web ${path}`, `+11 /c/web ${path}`]);
  attachments.reconcile([point(true)]);
  t.deepEqual(take(), [], 'once');
  procs.set('/c/web', [11]);
  attachments.reconcile([point(true)]);
  t.deepEqual(take(), ['-10']);
});

test('a process that begins later, and a library that is loaded later, are found', (t) => {
  const { attachments, run, clock, take } = makeNode();
  run('/c/web', 10);
  attachments.reconcile([point(true)]);
  run('/c/web', 11, '/lib/a');
  attachments.reconcile([point(true)]);
  t.deepEqual(take(), ['+11 /c/web /proc/1/root/lib/a']);
  run('/c/web', 10, '/lib/b');
  clock.ms += 1_000;
  attachments.reconcile([point(true)]);
  t.deepEqual(take(), ['+10 /c/web /proc/1/root/lib/b']);
});

test('another process with the id of one that has ended is read anew', (t) => {
  const { attachments, run, found, clock, take } = makeNode();
  run('/c/web', 10, '/lib/a');
  attachments.reconcile([point(true)]);
  take();
  found.set(10, { started: '2', libraries: [library('/lib/a')] });
  clock.ms += 1_000;
  attachments.reconcile([point(true)]);
  t.deepEqual(take(), ['-10', '+10 /c/web /proc/1/root/lib/a']);
});

test('a Tap that asks no more, and a pod that goes, end it', (t) => {
  const { attachments, run, take } = makeNode();
  run('/c/web', 10, '/lib/a');
  run('/c/db', 20, '/lib/a');
  attachments.reconcile([point(true), point(true, '/c/db')]);
  take();
  attachments.reconcile([point(false), point(true, '/c/db')]);
  t.deepEqual(take(), ['-10']);
  attachments.reconcile([point(false)]);
  t.deepEqual(take(), ['-20']);
});

test('what is not wanted is told and not read, at its own pace', (t) => {
  const { attachments, run, clock, take } = makeNode();
  run('/c/web', 10, '/lib/a');
  run('/c/web', 11, '/lib/a');
  attachments.reconcile([point(false)]);
  t.deepEqual(take(), []);
  const why = 'no Tap of it asks for tls';
  const told = { pod: 'shop/c/web', library: 'OpenSSL', version: '3.0.19', file: '/lib/a' };
  t.deepEqual(attachments.seen(), [{ ...told, processes: 2, wanted: false, read: false, why }]);
  run('/c/web', 12, '/lib/a');
  attachments.reconcile([point(false)]);
  t.is(attachments.seen()[0]?.processes, 2);
  clock.ms += 60_000;
  attachments.reconcile([point(false)]);
  t.is(attachments.seen()[0]?.processes, 3);
  for (let minute = 0; minute < 10; minute += 1) {
    clock.ms += 60_000;
    attachments.reconcile([point(false)]);
  }
  run('/c/web', 12, '/lib/a', '/lib/b');
  clock.ms += 60_000;
  attachments.reconcile([point(false)]);
  t.is(attachments.seen().length, 1, 'it is not looked into for ever');
});

test('of each library that is not read is told why', (t) => {
  const { attachments, procs, found, refused, run } = makeNode();
  run('/c/web', 10, '/lib/a');
  refused.add('/proc/1/root/lib/a');
  procs.set('/c/web', [10, 11, 12]);
  const stripped = library('/envoy', { name: 'BoringSSL', version: '', readable: false });
  const java = library('/jvm.so', { name: 'Java', version: '', readable: false });
  found.set(11, { started: '1', libraries: [stripped, java] });
  found.set(12, { started: '1', libraries: 'denied' });
  attachments.reconcile([point(true)]);
  t.deepEqual(
    attachments.seen().map(({ library: name, why }) => `${name}: ${why}`),
    [
      'OpenSSL: no uprobes here',
      'BoringSSL: it is linked statically, and the file is stripped of the names of its functions',
      'Java: Java has other functions than OpenSSL',
      'unknown: only CAP_SYS_PTRACE shows what its processes have: agent.tls of the installation gives it',
    ],
  );
});
