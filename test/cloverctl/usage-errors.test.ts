import { once } from 'node:events';
import { createServer } from 'node:http';
import test from 'ava';
import { version } from '../../functions/lib/version.ts';
import { runCli } from './run-cli.ts';

test('wrong usage is told with what was meant and the help that has the answer', async (t) => {
  for (const [args, said] of [
    ['aply -f x.yaml', 'unknown command \'aply\'\n(Did you mean apply?)\n(see "cloverctl --help")'],
    [
      'deadletters lst',
      'unknown command \'lst\'\n(Did you mean list?)\n(see "cloverctl deadletters --help")',
    ],
    ['logs', 'unknown command \'logs\'\n(see "cloverctl --help")'],
    ['wait tp', 'unknown command \'wait\'\n(see "cloverctl --help")'],
    [
      'get tp --ouput=yaml',
      'unknown option \'--ouput=yaml\'\n(Did you mean --output?)\n(see "cloverctl get --help")',
    ],
    [
      'get tp --ouput yaml',
      'unknown option \'--ouput\'\n(Did you mean --output?)\n(see "cloverctl get --help")',
    ],
    [
      'deadletters list --trigr x',
      'unknown option \'--trigr\'\n(Did you mean --trigger?)\n(see "cloverctl deadletters list --help")',
    ],
    [
      '--servr x get tp',
      'unknown option \'--servr\'\n(Did you mean --server?)\n(see "cloverctl --help")',
    ],
    [
      'status now',
      'too many arguments for \'status\'. Expected 0 arguments but got 1: now.\n(see "cloverctl status --help")',
    ],
    ['get', 'missing required argument \'kind\'\n(see "cloverctl get --help")'],
    [
      'explain tp -o',
      'option \'-o, --output <format>\' argument missing\n(see "cloverctl explain --help")',
    ],
  ] as const) {
    const { code, stderr } = await runCli(args.split(' '));
    t.is(code, 2, args);
    t.is(stderr, `error: ${said}\n`, args);
  }
  const json = await runCli(['get', 'tp', '--ouput', 'yaml', '--json']);
  t.like(JSON.parse(json.stdout), {
    error: {
      code: 'CLV_ARGUMENT_INVALID',
      message: "unknown option '--ouput' (Did you mean --output?)",
    },
  });
});

test('durations out of their range are refused with the range', async (t) => {
  for (const [args, said] of [
    [
      'top --interval 0s',
      "'--interval <duration>' argument '0s' is invalid. must be from 10ms to 1h",
    ],
    ['top --window 0s', "'--window <duration>' argument '0s' is invalid. must be from 1s to 8760h"],
    ['red --last 9999999h', "argument '9999999h' is invalid. must be from 1s to 8760h"],
    ['red --last soon', 'must be a duration such as 250ms, 30s or 5m'],
    ['apply --timeout 999h', "argument '999h' is invalid. must be from 0s to 168h"],
    ['red --request-timeout 99h', "argument '99h' is invalid. must be from 1ms to 24h"],
  ] as const) {
    const { code, stderr } = await runCli(args.split(' '));
    t.is(code, 2, args);
    t.true(stderr.includes(said), stderr);
  }
});

test('every command with -n takes names of namespaces alone', async (t) => {
  for (const [args, found] of [
    ['get taps -n', ''],
    ['watch taps -n', 'SHOP'],
    ['describe tap a -n', '../../x'],
    ['looks a -n', '-a'],
    ['delete tap a -n', 'a-'],
    ['edit tap a -n', 'a.b'],
    ['apply -f x -n', 'a'.repeat(64)],
    ['diff -f x -n', 'a b'],
  ] as const) {
    const { code, stderr } = await runCli([...args.split(' '), found]);
    t.is(code, 2, args);
    const start = `error: option '-n, --namespace <name>' argument '${found}' is invalid. must be a name of 1 to 63`;
    t.true(stderr.startsWith(start), stderr);
  }
});

test('--request-timeout ends the wait for a server that says nothing', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const url = `http://127.0.0.1:${port}`;
  const { code, stderr } = await runCli(['--request-timeout', '50ms', 'status', '--server', url]);
  t.is(code, 5);
  t.regex(stderr, /did not answer within 0\.05 s; more time is given by --request-timeout/);
});

test('--version is that of cloverctl; NO_COLOR beside FORCE_COLOR is no warning', async (t) => {
  for (const args of [['--version'], ['-V']]) {
    const variables = { NO_COLOR: '1', FORCE_COLOR: '1' };
    t.deepEqual(await runCli(args, { variables }), { code: 0, stdout: `${version}\n`, stderr: '' });
  }
});
