import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { systemClock } from '../../../functions/lib/clock.ts';
import { startApi } from '../../functions/api/server.ts';
import { runCli } from '../run-cli.ts';

const row = { version: 'v1', kind: 'Server', requests: 10, errors: 0, p50: 1, p95: 2, p99: 3 };
const rows = [
  { ...row, service: 'calm' },
  { ...row, service: 'busy', requests: 300, errors: 3 },
  { ...row, service: 'slow', p99: 900 },
];

const start = async (...[t]: Parameters<typeof startApi>) => {
  const api = await startApi(t, { red: async () => rows });
  return { api, variables: { CLOVER_SERVER: api.url, CLOVER_TOKEN: api.token } };
};

const titles = (text: string): number => text.match(/^# \d{4}-\S+Z, the last 30 s$/gm)?.length ?? 0;

test('top --once is one table, sorted, of versions or of services', async (t) => {
  const { variables } = await start(t);
  const versions = await runCli(['top', '--once', '--window', '10s'], { variables });
  t.is(versions.code, 0, versions.stderr);
  const lines = versions.stdout.trim().split('\n');
  t.regex(lines[0] ?? '', /^SERVICE +VERSION +KIND +REQUESTS +RATE +ERRORS +RATIO +P50 +P95 +P99$/);
  t.regex(lines[1] ?? '', /^busy +v1 +Server +300 +30\.0\/s +3 +1\.00% +1\.0ms +2\.0ms +3\.0ms$/);
  t.is(lines.length, 4);
  const services = await runCli(['top', 'services', '--once', '--sort', 'p99'], { variables });
  t.regex(services.stdout, /^SERVICE +KIND[^\n]*\nslow /);
});

test('top writes one JSON document per view until it is stopped', async (t) => {
  const { variables } = await start(t);
  const { code, stdout } = await runCli(['top', '--interval', '20ms', '-o', 'json'], {
    variables,
    until: (text) => text.split('\n').length > 3,
  });
  t.is(code, 0);
  const [first = ''] = stdout.split('\n');
  t.like(JSON.parse(first), { by: 'version', rows: { 0: { service: 'busy' } } });
});

test('top goes on when the control plane was away, and says so; without one it does not begin', async (t) => {
  const { api, variables } = await start(t);
  let seenBefore = Infinity;
  let restarted: Promise<number> | undefined;
  const { code, stderr } = await runCli(['top', '--interval', '20ms'], {
    variables,
    until: (text) => {
      restarted ??= (async () => {
        await api.stop();
        const seen = titles(text);
        await systemClock.sleep(500);
        await api.start();
        return seen;
      })();
      void restarted.then((before) => (seenBefore = before));
      return titles(text) > seenBefore + 1;
    },
  });
  t.is(code, 0);
  t.regex(stderr, /no control plane answers at/);
  await api.stop();
  t.is((await runCli(['top', '--once'], { variables })).code, 5);
});

test('on a terminal top draws in place, and gives the cursor back on Ctrl-C', async (t) => {
  const { variables } = await start(t);
  const bin = fileURLToPath(new URL('../../../cloverctl/bin.mjs', import.meta.url));
  const inner = `stty rows 12 cols 60; exec ${process.execPath} ${bin} top --interval 20ms`;
  const child = spawn(
    'script',
    ['--quiet', '--flush', '--return', '--command', inner, '/dev/null'],
    {
      env: { ...process.env, CLOVER_HOME: '/nonexistent', ...variables },
      stdio: 'pipe',
    },
  );
  const exited: Promise<unknown> = once(child, 'exit');
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    // Ctrl-C as a terminal sends it, once a second view is drawn over the first.
    if (text.includes('\u001B[5A') && !child.stdin.writableEnded) child.stdin.end('\u0003');
  });
  await exited;
  t.is(child.exitCode, 0);
  t.is(text.split('\u001B[?25l').length, 2, 'the cursor is hidden once');
  t.true(text.trimEnd().endsWith('\u001B[?25h'), JSON.stringify(text.slice(-200)));
  t.regex(text, /busy +v1 +Server +300 +10\.0\/s[^\n]*…/, 'cut to the width');
});

test('the window of top and red is that of the server, whatever the clock here says', async (t) => {
  const asked: string[] = [];
  const window = { from: 1_000_000, to: 1_030_000 };
  const server = createServer(({ url = '' }, response) => {
    asked.push(url);
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ window, rows }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const variables = { CLOVER_SERVER: `http://127.0.0.1:${port}` };
  for (const args of [
    ['top', '--once', '-o', 'json'],
    ['red', '--last', '30s', '-o', 'json'],
  ]) {
    const { stdout, stderr } = await runCli(args, { variables });
    t.like(JSON.parse(stdout), { window }, stderr);
  }
  const queries = asked.map((url) => url.replace(/^.*\?/, ''));
  t.deepEqual(queries, ['last=30000ms&by=version', 'last=30000ms']);
});
