import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { embeddedCommand } from '../../../functions/analytics/embedded-command.ts';
import {
  embeddedPassword,
  ready,
  startEmbeddedClickHouse,
  writeEmbeddedFiles,
} from '../../../functions/analytics/embedded.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import { log } from './start.ts';
import { freePort } from '../../../functions/lib/free-port.ts';

async function temporary(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'clover-test-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const basic = (username: string, password: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
});

test('it listens on loopback and answers to its password only', async (t) => {
  const server = await startEmbeddedClickHouse({ dataDir: await temporary(t), log });
  t.teardown(() => server.stop());
  const ask = async (headers: Record<string, string>, query = 'SELECT+currentUser()') => {
    const answer = await fetch(`${server.url}/?query=${query}`, { headers });
    return { ok: answer.ok, text: await answer.text() };
  };
  t.deepEqual(await ask(basic(server.username, server.password)), { ok: true, text: 'clover\n' });
  t.false((await ask(basic(server.username, 'wrong'))).ok);
  t.false((await ask(basic('default', ''))).ok);
  t.false((await ask({})).ok);
  t.false((await ask({ 'x-clickhouse-user': 'default' })).ok);
  t.false((await ask({}, 'SYSTEM+STOP+LISTEN+HTTP')).ok);
  const other = server.url.replace('127.0.0.1', '127.0.0.2');
  await t.throwsAsync(fetch(`${other}/ping`));
});

test('the password stays, is long, and only the owner may read it', async (t) => {
  const dataDir = join(await temporary(t), 'deep', 'er');
  const password = await embeddedPassword(dataDir);
  t.regex(password, /^[\w-]{32}$/);
  t.is(await embeddedPassword(dataDir), password);
  t.is((await stat(join(dataDir, 'password'))).mode & 0o777, 0o600);
  t.is((await stat(dataDir)).mode & 0o777, 0o700);
});

test('files with secrets are for the owner only, and the command line has none', (t) => {
  const command = embeddedCommand({ dataDir: '/data & more', port: 1234, password: 'secret' });
  t.true(command.files.every(({ mode }) => mode === 0o600));
  t.false(command.args.some((argument) => argument.includes('secret')));
  t.true(command.files.some(({ content }) => content.includes('/data &amp; more/users.xml')));
  t.is(command.url, 'http://127.0.0.1:1234');
});

test('it ends when the pipe of its supervisor closes', async (t) => {
  const dataDir = await temporary(t);
  const port = await freePort();
  const command = embeddedCommand({ dataDir, port, password: await embeddedPassword(dataDir) });
  await writeEmbeddedFiles(command);
  const child = spawn(command.command, command.args, { stdio: ['pipe', 'ignore', 'ignore'] });
  t.teardown(() => child.kill('SIGKILL'));
  await ready(command.url);
  const exit: Promise<unknown> = once(child, 'exit');
  child.stdin.end();
  await exit;
  await t.throwsAsync(ready(command.url, { timeoutMs: 200 }), { instanceOf: CloverError });
});

test('a start that cannot succeed says why', async (t) => {
  const folder = await temporary(t);
  await writeFile(join(folder, 'store'), 'a file where the folder should be');
  const error = await t.throwsAsync(startEmbeddedClickHouse({ dataDir: folder, log }), {
    instanceOf: CloverError,
  });
  t.is(error?.code, 'CLV_ANALYTICS_UNAVAILABLE');
  t.regex(error?.message ?? '', /exited with/);
});

test('two on the same data are refused', async (t) => {
  const dataDir = await temporary(t);
  const server = await startEmbeddedClickHouse({ dataDir, log });
  t.teardown(() => server.stop());
  await t.throwsAsync(startEmbeddedClickHouse({ dataDir, log }), { message: /status/ });
  await ready(server.url);
});

test('stop may be called twice', async (t) => {
  const server = await startEmbeddedClickHouse({ dataDir: await temporary(t), log });
  await server.stop();
  await server.stop();
  t.throws(() => process.kill(server.pid, 0), { code: 'ESRCH' });
});
