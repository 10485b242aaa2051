import test from 'ava';
import { runCli } from '../run-cli.ts';

test('up refuses what is no origin, no port and no file before it starts anything', async (t) => {
  for (const [args, code, said] of [
    ['--cors-origin ui.example', 2, /--cors-origin.*must be an origin alone/],
    ['--cors-origin https://ui.example/', 2, /must be an origin alone/],
    ['--cors-origin https://ui.example:443', 2, /must be an origin alone/],
    ['--cors-origin *', 2, /must be an origin alone/],
    ['--port 0', 2, /must be a port number, 1 to 65535/],
    ['--envoy /nope', 2, /--envoy: found "\/nope"; must be a program file that can be run/],
    ['--envoy /', 2, /must be a program file that can be run/],
    ['--pods nope.json', 2, /cannot read nope\.json/],
    ['--notifications missing.json', 2, /cannot read missing\.json/],
  ] as const) {
    const result = await runCli(['up', ...args.split(' ')]);
    t.is(result.code, code, args);
    t.regex(result.stderr, said);
  }
});
