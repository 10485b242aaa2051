import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { listenOnLoopback, temporaryFolder } from '../../functions/host/helpers.ts';

const program = fileURLToPath(new URL('../../../infra/baremetal/ready.ts', import.meta.url));

function ready(t: ExecutionContext, ...args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

async function file(t: ExecutionContext, value: unknown): Promise<string> {
  const path = join(await temporaryFolder(t), 'part.json');
  await writeFile(path, JSON.stringify(value));
  return path;
}

/** A server that is asked at these paths, and not ready before the third time. */
function slowServer(t: ExecutionContext): { server: Server; asked: string[] } {
  const asked: string[] = [];
  const answer: RequestListener = (request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(asked.length < 3 ? 503 : 200).end();
  };
  const server = createServer(answer);
  t.teardown(() => server.close());
  return { server, asked };
}

for (const [part, settings, path] of [
  ['control-plane', (port: number) => ({ listen: { port } }), '/health/ready'],
  ['control-plane', (port: number) => ({ listen: { host: '0.0.0.0', port } }), '/health/ready'],
  ['agent', (port: number) => ({ listen: { host: '127.0.0.1', port } }), '/health/ready'],
  ['clickhouse', (port: number) => ({ port }), '/ping'],
] as const) {
  test(`${part} at ${JSON.stringify(settings(1))} is ready when it says so, and not before`, async (t) => {
    const { server, asked } = slowServer(t);
    const child = ready(t, part, await file(t, settings(await listenOnLoopback(server))));
    await once(child, 'exit');
    t.is(child.exitCode, 0);
    t.deepEqual(asked, [path, path, path]);
  });
}

test('Envoy is asked at the socket of its configuration', async (t) => {
  const { server, asked } = slowServer(t);
  const socket = join(await temporaryFolder(t), 'envoy.sock');
  const child = ready(
    t,
    'envoy',
    await file(t, { admin: { address: { pipe: { path: socket } } } }),
  );
  server.listen(socket);
  await once(child, 'exit');
  t.is(child.exitCode, 0);
  t.deepEqual(asked, ['/ready', '/ready', '/ready']);
});

for (const [args, why] of [
  [['ui', 'x.json'], /usage: ready\.mjs agent\|clickhouse\|control-plane\|envoy FILE/],
  [['agent', '/nowhere.json'], /ENOENT/],
] as const) {
  test(`refused with 2: ready ${args.join(' ')}`, async (t) => {
    const child = ready(t, ...args);
    const said = child.stderr === null ? '' : text(child.stderr);
    await once(child, 'exit');
    t.is(child.exitCode, 2);
    t.regex(await said, why);
  });
}
