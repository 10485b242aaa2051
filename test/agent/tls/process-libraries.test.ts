import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import { mappedFiles, processLibraries } from '../../../agent/tls/process-libraries.ts';
import { tlsLibraryOf } from '../../../native/capture/tls-library.ts';
import { inCgroup, makeCgroup, removeCgroups } from '../../native/capture/cgroup.ts';

/** Of a process that is there. */
function librariesOf(pid = 0) {
  const libraries = processLibraries({ libraryOf: tlsLibraryOf }).lookInto(pid)?.libraries;
  if (libraries === undefined || libraries === 'denied') throw new Error(`no process ${pid}`);
  return libraries;
}

test('only files of which code is mapped are looked at, each once', (t) => {
  const maps = `
55d0c0a00000-55d0c0a10000 r--p 00000000 fd:00 131 /usr/bin/a program
55d0c0a10000-55d0c0b00000 r-xp 00010000 fd:00 131                        /usr/bin/a program
7f0000000000-7f0000100000 r-xp 00000000 fd:00 200                        /lib/libssl.so.3
7f0000200000-7f0000300000 r-xp 00200000 fd:00 200                        /lib/libssl.so.3
7f0000400000-7f0000500000 r--p 00000000 fd:00 300                        /lib/locale
7f0000600000-7f0000700000 r-xp 00000000 00:00 0
7ffc00000000-7ffc00001000 r-xp 00000000 00:00 0                          [vdso]
`;
  t.deepEqual(mappedFiles(maps), ['/usr/bin/a program', '/lib/libssl.so.3']);
});

test('a program with OpenSSL in itself, and its version, are told', (t) => {
  const found = librariesOf(process.pid).find(({ file }) => file === process.execPath);
  t.like(found, { name: 'OpenSSL', version: process.versions.openssl, readable: true });
});

test('a shared OpenSSL is told', async (t) => {
  const child = spawn('python3', ['-c', 'import ssl; print("up", flush=True); input()'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill());
  await once(child.stdout, 'data');
  const [found, ...others] = librariesOf(child.pid);
  t.deepEqual(others, []);
  t.like(found, { name: 'OpenSSL', readable: true });
  t.regex(found?.file ?? '', /libssl/);
});

test('what is no ELF file, or is not there, has no library', (t) => {
  t.is(tlsLibraryOf('/etc/hostname'), undefined);
  t.is(tlsLibraryOf('/nowhere'), undefined);
  t.is(tlsLibraryOf('/bin/sh'), undefined);
});

test('without such a process nothing is told', (t) => {
  t.is(processLibraries({ libraryOf: tlsLibraryOf }).lookInto(4_194_305), undefined);
});

test('processes are those of the cgroup and of those below it', async (t) => {
  const outer = makeCgroup(`clv-tls-${process.pid}`);
  const inner = makeCgroup(`clv-tls-${process.pid}`, 'inner');
  const children = [outer, inner].map((folder) =>
    spawn('sh', ['-c', inCgroup(folder), 'sh', 'sh', '-c', 'echo; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  );
  t.teardown(async () => {
    for (const child of children) child.kill('SIGKILL');
    await removeCgroups(inner, outer);
  });
  await Promise.all(children.map(({ stdout }) => once(stdout, 'data')));
  const finder = processLibraries({ libraryOf: tlsLibraryOf });
  t.deepEqual(
    finder.processesIn(outer),
    children.map(({ pid }) => pid),
  );
  t.deepEqual(finder.processesIn('/nowhere'), []);
});
