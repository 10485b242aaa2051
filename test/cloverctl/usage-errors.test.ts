import test from 'ava';
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
