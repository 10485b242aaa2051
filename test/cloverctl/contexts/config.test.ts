import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { startApi } from '../../functions/api/server.ts';
import { listenOnLoopback, temporaryFolder } from '../../functions/host/helpers.ts';
import { runCli, type CliResult } from '../run-cli.ts';

type Cli = (args: string, stdin?: string) => Promise<CliResult>;

async function start(
  t: ExecutionContext,
  more: Readonly<Record<string, string>> = {},
): Promise<{ home: string; cli: Cli }> {
  const home = join(await temporaryFolder(t), 'home');
  const variables = { CLOVER_HOME: home, ...more };
  return { home, cli: (args, stdin = '') => runCli(args.split(' '), { variables, stdin }) };
}

test('contexts are added, chosen, listed, shown without tokens, and forgotten', async (t) => {
  const api = await startApi(t);
  const { home, cli } = await start(t);
  const set = await cli(`config set-context prod --url ${api.url} --token-stdin`, `${api.token}\n`);
  t.deepEqual(set, { code: 0, stdout: 'context "prod" created\n', stderr: '' });
  t.is(statSync(join(home, 'config.json')).mode & 0o777, 0o600);
  const undecided = await cli('get taps');
  t.is(undecided.code, 5);
  t.regex(undecided.stderr, /use-context" or --context \(prod\)/);
  t.is((await cli('--context prod get taps')).code, 0);
  t.is((await cli('config use-context prod')).stdout, 'context "prod" is current\n');
  t.is((await cli('get taps')).code, 0);
  t.is((await cli('config current-context')).stdout, 'prod\n');
  await cli('config set-context edge --url http://127.0.0.1:2');
  const lines = (await cli('config get-contexts')).stdout.split('\n');
  t.regex(lines[0] ?? '', /^CURRENT +NAME +URL +TOKEN +SOURCE$/);
  t.regex(lines[1] ?? '', /^ +edge +http:\/\/127\.0\.0\.1:2 +none +config\.json$/);
  t.regex(lines[2] ?? '', /^\* +prod +http:\S+ +kept +config\.json$/);
  const view = await cli('config view');
  t.regex(view.stdout, /token: <hidden>/);
  for (const args of ['config view --json', 'config get-contexts -o json', 'config view']) {
    t.false((await cli(args)).stdout.includes(api.token), args);
  }
  const gone = await cli('config delete-context prod');
  t.is(gone.stdout, 'context "prod" deleted\n');
  t.is(gone.stderr, 'warning: "prod" was the current context\n');
  t.is((await cli('config current-context')).code, 3);
});

test('a context is changed field by field, and its token file is read at every call', async (t) => {
  const api = await startApi(t);
  const { home, cli } = await start(t);
  mkdirSync(home);
  const file = join(home, 'token');
  writeFileSync(file, 'wrong');
  await cli(`config set-context prod --url ${api.url} --token-file ${file}`);
  t.is((await cli('--context prod get taps')).code, 1);
  writeFileSync(file, `${api.token}\n`);
  t.is((await cli('--context prod get taps')).code, 0);
  t.is(
    (await cli(`config set-context prod --url ${api.url}`)).stdout,
    'context "prod" unchanged\n',
  );
  t.is((await cli('--context prod get taps')).code, 0, 'the token file is kept');
  const kept = await cli('config set-context prod --token-stdin', api.token);
  t.is(kept.stdout, 'context "prod" configured\n');
  t.false(readFileSync(join(home, 'config.json'), 'utf8').includes('tokenFile'));
  await cli(`config set-context prod --token-file ${join(home, 'none')}`);
  t.regex(
    (await cli('--context prod get taps')).stderr,
    /contexts\.prod\.tokenFile: .*none cannot be read/,
  );
});

test('the order is --server or --context, CLOVER_SERVER, CLOVER_CONTEXT, current context', async (t) => {
  const api = await startApi(t);
  const { home, cli } = await start(t);
  const ports = { '1': 'flag', '2': 'variable', '3': 'current', '4': 'env' };
  for (const [port, name] of Object.entries(ports)) {
    await cli(`config set-context ${name} --url http://127.0.0.1:${port}`);
  }
  await cli('config use-context current');
  const reached = async (
    args: string,
    variables: Readonly<Record<string, string>>,
  ): Promise<string> => {
    const all = { CLOVER_HOME: home, CLOVER_TOKEN: api.token, ...variables };
    const { code, stderr } = await runCli([...args.split(' ').filter(Boolean), 'get', 'taps'], {
      variables: all,
    });
    if (code === 0) return 'server';
    const port = /127\.0\.0\.1:(\d)/.exec(stderr)?.[1] ?? stderr;
    return Object.entries(ports).find(([known]) => known === port)?.[1] ?? port;
  };
  const nowhere = 'http://127.0.0.1:4';
  t.is(await reached('', {}), 'current');
  t.is(await reached('', { CLOVER_CONTEXT: 'variable' }), 'variable');
  t.is(await reached('--context flag', { CLOVER_CONTEXT: 'variable' }), 'flag');
  t.is(await reached('', { CLOVER_SERVER: nowhere, CLOVER_CONTEXT: 'variable' }), 'env');
  t.is(await reached('--context flag', { CLOVER_SERVER: nowhere }), 'flag');
  t.is(await reached(`--server ${api.url}`, { CLOVER_SERVER: nowhere }), 'server');
});

test('CLOVER_TOKEN is shown to no context, --token to whatever is asked', async (t) => {
  const api = await startApi(t);
  const { home, cli } = await start(t);
  await cli(`config set-context mine --url ${api.url}`);
  const codeOf = async (...args: readonly string[]): Promise<number | null> => {
    const variables = { CLOVER_HOME: home, CLOVER_TOKEN: api.token };
    return (await runCli([...args, 'get', 'taps'], { variables })).code;
  };
  t.is(await codeOf('--context', 'mine'), 1);
  t.is(await codeOf('--context', 'mine', '--token', api.token), 0);
  t.is(await codeOf('--server', api.url), 0);
});

const ways = (url: string) =>
  [
    [['config', 'set-context', 'a', '--url', url], {}],
    [['get', 'taps', '--server', url], {}],
    [['get', 'taps'], { CLOVER_SERVER: url }],
  ] as const;

test('an address with a user, a password or more than an origin is refused, and no password is shown', async (t) => {
  const { home, cli } = await start(t);
  const refused = [
    ['http://u:hunter2@x/', /must not hold a user or a password/],
    ['http://u:hunter2/3@x', /must be an address|no path, query or fragment/],
    ['ftp://u:hunter2@x/', /must be an address such as/],
    ['http://x?x=1', /no path, query or fragment/],
    ['http://x/clover#', /no path, query or fragment/],
  ] as const;
  for (const [index, [url, said]] of refused.entries()) {
    const [args, more] = ways(url)[index % 3] ?? [[], {}];
    const { code, stdout, stderr } = await runCli([...args, '--json'], {
      variables: { CLOVER_HOME: home, ...more },
    });
    t.is(code, 2, url);
    t.regex(stderr, said);
    t.false((stdout + stderr).includes('hunter2'), url);
  }
  t.is((await cli('config get-contexts -o name')).stdout, '');
});

test('wrong use is refused with what was found and the fix', async (t) => {
  const { cli } = await start(t);
  await cli('config set-context production --url http://127.0.0.1:2');
  for (const [args, message] of [
    ['--context prodction get taps', /unknown context "prodction": did you mean "production"\?/],
    ['--context x get taps', /unknown context "x": contexts are production/],
    ['--server http://x --context production get taps', /--server and --context: give one/],
    ['--context local get taps', /"local".*"cloverctl up" starts it/],
    ['config use-context prodution', /did you mean "production"\?/],
    ['config delete-context prodution', /did you mean "production"\?/],
    ['config set-context a --url ftp://x', /--url: found "ftp:\/\/x"; must be an address/],
    ['config set-context a', /a new context needs --url/],
    ['config set-context __proto__ --url http://x', /must be letters, digits/],
    [
      'config set-context a --url http://x --token y',
      /--token-stdin, --token-file or --kube-token/,
    ],
    ['config set-context a --url http://x --token-stdin', /--token-stdin: found nothing/],
    ['config set-context a --token-stdin --token-file f', /give one of them/],
  ] as const) {
    const { code, stderr } = await cli(args);
    t.is(code, 2, args);
    t.regex(stderr, message);
  }
  t.is((await cli('config set-context constructor --url http://127.0.0.1:2')).code, 0);
});

test('context.json of an earlier version becomes the context "default", once', async (t) => {
  const api = await startApi(t);
  const { home, cli } = await start(t);
  mkdirSync(home);
  const former = join(home, 'context.json');
  writeFileSync(former, '{"url":1}');
  t.regex((await cli('get taps')).stderr, /context\.json is damaged: url: /);
  writeFileSync(former, JSON.stringify({ url: api.url, token: api.token }));
  t.is((await cli('get taps')).code, 0);
  t.false(existsSync(former));
  t.is((await cli('config current-context')).stdout, 'default\n');
});

test('a damaged config names file and field, and never a value', async (t) => {
  const { home, cli } = await start(t);
  mkdirSync(home);
  const secret = 'very-secret';
  for (const [value, where] of [
    ['{', /config\.json is damaged: it is not JSON; mend it, or move it away/],
    ['[]', /config\.json is damaged: must be an object; mend/],
    [{ contexts: { a: { url: 7 } } }, /contexts\.a\.url: must be a string;/],
    [{ current: 'a' }, /unknown field current; allowed are currentContext, contexts;/],
    [{ contexts: { a: { url: 'x', token: secret } } }, /contexts\.a\.url: must be an address/],
    [
      { contexts: { a: { url: 'http://x', tokn: secret } } },
      /contexts\.a: unknown field tokn; allowed are url, token, tokenFile, kubeContext, host;/,
    ],
    [
      { contexts: { a: { url: 'http://x', token: secret, tokenFile: 'f' } } },
      /contexts\.a: has token and tokenFile/,
    ],
    [{ contexts: { 'a b': { url: 'http://x' } } }, /must be letters, digits/],
  ] as const) {
    writeFileSync(
      join(home, 'config.json'),
      typeof value === 'string' ? value : JSON.stringify(value),
    );
    const { code, stderr } = await cli('get taps');
    t.is(code, 1);
    t.regex(stderr, where);
    t.false(stderr.includes(secret));
  }
});

test('of changes at the same time none is lost', async (t) => {
  const { cli } = await start(t);
  const names = Array.from({ length: 6 }, (_, index) => `c${index}`);
  await Promise.all(names.map((name) => cli(`config set-context ${name} --url http://x`)));
  t.is((await cli('config get-contexts -o name')).stdout, `${names.join('\n')}\n`);
});

test('a lock that a killed process left behind is named with the way out', async (t) => {
  const { home, cli } = await start(t);
  mkdirSync(home);
  writeFileSync(join(home, 'config.json.lock'), '123\n');
  const { code, stderr } = await cli('config set-context a --url http://x');
  t.is(code, 1);
  t.regex(stderr, /config\.json\.lock is held by process 123: .*remove the file/);
});

test('a token that no header can carry is refused by its source, and never shown', async (t) => {
  const { home, cli } = await start(t);
  mkdirSync(home);
  const file = join(home, 'token');
  const server = ['--server', 'http://127.0.0.1:2'];
  await cli(`config set-context prod --url http://127.0.0.1:2 --token-file ${file}`);
  for (const secret of ['hunter2\nx', 'hunter2→']) {
    writeFileSync(file, secret);
    for (const [args, variables, source] of [
      [[...server, '--token', secret, 'get', 'taps'], {}, '--token'],
      [['--context', 'prod', '--token', secret, 'get', 'taps'], {}, '--token'],
      [[...server, 'get', 'taps'], { CLOVER_TOKEN: secret }, 'CLOVER_TOKEN'],
      [['--context', 'prod', 'get', 'taps'], {}, `contexts.prod.tokenFile: ${file}`],
      [['config', 'set-context', 'b', '--url', 'http://x', '--token-stdin'], {}, '--token-stdin'],
    ] as const) {
      const { code, stdout, stderr } = await runCli(args, {
        variables: { CLOVER_HOME: home, ...variables },
        stdin: secret,
      });
      t.is(code, 2, source);
      t.true(stderr.startsWith(`error: ${source}: found something that is no token`), stderr);
      t.false((stdout + stderr).includes('hunter2'), source);
    }
  }
});

test('a control plane behind a gateway is asked for by its own name', async (t) => {
  const { cli } = await start(t);
  const asked: unknown[] = [];
  const server = createServer(({ headers }, response) => {
    asked.push([headers.host, headers.authorization]);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ items: [] }));
  });
  const port = await listenOnLoopback(server);
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const host = 'api.clover-system.svc.cluster.local';
  await cli(`config set-context cluster --url http://127.0.0.1:${port} --host ${host}`);
  // What is given later leaves the rest as it is.
  await cli('config set-context cluster --token-stdin', 'secret');
  t.is((await cli('--context cluster deadletters list')).stderr, 'no dead letters\n');
  t.deepEqual(asked, [[host, 'Bearer secret']]);
  const refused = await cli('config set-context cluster --host http://x');
  t.is(refused.code, 2);
  t.regex(refused.stderr, /--host: found "http:\/\/x"; must be a name of DNS/);
});
