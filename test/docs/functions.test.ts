import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { notificationReasons } from '../../knative/events.ts';

const root = new URL('../../', import.meta.url).pathname;
const run = promisify(execFile);
const page = (): Promise<string> => readFile(join(root, 'docs/functions.md'), 'utf8');

/** The files and the command of the page. */
async function examples(): Promise<{ files: Map<string, string>; command: string }> {
  const text = await page();
  const files = new Map(
    [...text.matchAll(/<!-- file: (\S+) -->\n\n```ts\n(.*?)```/gs)].map(
      ([, path = '', code = '']) => [path, code] as const,
    ),
  );
  const command = /<!-- run -->\n\n```sh\n(.*?)```/s.exec(text)?.[1] ?? '';
  return { files, command };
}

/** A copy of the repository's layout with the page's files in it. */
async function project(t: ExecutionContext): Promise<{ folder: string; command: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'clover-docs-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const { files, command } = await examples();
  await mkdir(join(folder, 'functions'));
  const parts = (await readdir(join(root, 'functions'))).map((name) => join('functions', name));
  for (const path of [...parts, 'knative', 'native', 'node_modules']) {
    await symlink(join(root, path), join(folder, path));
  }
  for (const [path, code] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), code);
  }
  const ava = { extensions: ['ts'], files: ['functions/orders/*.test.ts'], workerThreads: false };
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module', ava }));
  const config = { extends: join(root, 'tsconfig.json'), include: ['functions/orders'] };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
  return { folder, command };
}

/** The variables that a command sets before it uses them. */
function variablesOf(command: string): Readonly<Record<string, string>> {
  const pairs = [...command.matchAll(/\b([A-Z]+)=(\S+)/g)];
  return Object.fromEntries(pairs.map(([, name = '', value = '']) => [name, value]));
}

/** What curl does with such a command; it need not be installed. */
function curl(command: string, variables: Readonly<Record<string, string>>): Promise<Response> {
  const text = command.replaceAll(/\$([A-Z]+)/g, (_, name: string) => variables[name] ?? '');
  const url = /curl .*?"(http[^"]+)"/.exec(text)?.[1] ?? '';
  const headers = [...text.matchAll(/--header (["'])(.*?): (.*?)\1/g)].map(
    ([, , name = '', value = '']): [string, string] => [name, value],
  );
  const body = /--data '(.*?)'/s.exec(text)?.[1] ?? '';
  return fetch(url, { method: 'POST', headers, body });
}

test('the function of the page has the right types, and its test passes', async (t) => {
  const { folder } = await project(t);
  const bin = join(root, 'node_modules/.bin');
  await t.notThrowsAsync(run(join(bin, 'tsc'), ['-p', folder], { cwd: folder }));
  const { stdout } = await run(join(bin, 'ava'), [], { cwd: folder });
  t.regex(stdout, /1 test passed/);
});

test('the function of the page runs as it says: events, replies, errors, ticks, routes', async (t) => {
  const { folder, command } = await project(t);
  const variables = variablesOf(command);
  t.is(variables['URL'], 'http://127.0.0.1:8080', 'the default of the program');
  const token = variables['TOKEN'] ?? '';
  const { TOKEN: _, ...env } = process.env;
  const child = spawn(process.execPath, ['functions/orders/main.ts'], {
    cwd: folder,
    env: { ...env, PORT: '0', BROKER: join(folder, 'broker.db') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const log: Record<string, unknown>[] = [];
  const listening = Promise.withResolvers<string>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('http')) listening.resolve(line);
    else log.push(z.record(z.string(), z.unknown()).parse(JSON.parse(line)));
  });
  const url = await listening.promise;
  const seen = async (message: string): Promise<Record<string, unknown>> => {
    for (;;) {
      const line = log.find(({ msg }) => msg === message);
      if (line !== undefined) return line;
      await new Promise<void>((resolve) => {
        setTimeout(resolve, 20);
      });
    }
  };
  t.is((await curl(command, { ...variables, URL: url })).status, 202);
  t.is((await seen('confirmed'))['order'], 'A-1');
  const report = await seen('report');
  t.is(report['orders'], 1);
  t.is(report['missed'], 0);
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'ce-specversion': '1.0',
    'ce-id': '2',
    'ce-source': '/shop',
    'ce-type': 'com.example.order.placed.v1',
  };
  const post = async (data: unknown): Promise<number> => {
    const body = JSON.stringify(data);
    const sent = await fetch(`${url}/functions/orders`, { method: 'POST', headers, body });
    await sent.arrayBuffer();
    return sent.status;
  };
  t.is(await post({ order: 'A-2', total: 13 }), 422);
  t.is(await post({ order: 'A-3' }), 422);
  t.true((await post({ order: 'A-4', total: 2_000 })) < 300);
  const orders = await fetch(`${url}/orders`, { headers });
  t.deepEqual(await orders.json(), { orders: ['A-1'] });
  child.kill('SIGTERM');
  t.deepEqual(await once(child, 'exit'), [0, null]);
});

test('the page names every reason of a notification', async (t) => {
  const text = await page();
  for (const reason of notificationReasons) t.true(text.includes(`\`${reason}\``), reason);
});
