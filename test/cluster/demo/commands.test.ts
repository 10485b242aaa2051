import process from 'node:process';
import test from 'ava';
import { createCommand, type Command } from './commands.ts';

/** Says its arguments, a line each, and what came on its standard input. */
const program = `
process.stdin.setEncoding('utf8');
let input = '';
process.stdin.on('data', (text) => (input += text));
process.stdin.on('end', () => {
  for (const word of [...process.argv.slice(1), input]) if (word !== '') console.log(word);
  if (process.argv.includes('stay')) setInterval(() => undefined, 1_000);
  if (process.argv.includes('fail')) { console.error('no'); process.exitCode = 3; }
});
`;

function commandWith(said: string[], signal: AbortSignal = new AbortController().signal): Command {
  const before = ['-e', program, '--'];
  return createCommand({
    name: 'tell',
    program: process.execPath,
    before,
    signal,
    say: (line) => said.push(line),
  });
}

test('a command is told once, as a shell takes it, however often it runs', async (t) => {
  const said: string[] = [];
  const tell = commandWith(said);
  t.is(
    await tell.run(['one', `${process.cwd()}/docs/cli.md`, "it's"]),
    `one\n${process.cwd()}/docs/cli.md\nit's\n`,
  );
  await tell.run(['one', `${process.cwd()}/docs/cli.md`, "it's"]);
  t.deepEqual(said, [String.raw`$ tell one docs/cli.md 'it'\''s'`]);
});

test('input is given on, and a failure has what was said on standard error', async (t) => {
  const tell = commandWith([]);
  t.is(await tell.run(['a'], 'b'), 'a\nb\n');
  await t.throwsAsync(tell.run(['fail']), { message: /no/ });
});

test('lines come until the program ends; then a failure is told', async (t) => {
  const tell = commandWith([]);
  const { signal } = new AbortController();
  const lines: string[] = [];
  for await (const line of tell.follow(['a', 'b'], signal)) lines.push(line);
  t.deepEqual(lines, ['a', 'b']);
  const failing = async (): Promise<void> => {
    for await (const line of tell.follow(['fail'], signal)) lines.push(line);
  };
  await t.throwsAsync(failing(), { message: 'tell fail ended with 3' });
});

test('a program that goes on ends with the signal', async (t) => {
  const stop = new AbortController();
  const tell = commandWith([], stop.signal);
  const hear = async (): Promise<void> => {
    for await (const line of tell.follow(['stay'], new AbortController().signal)) {
      if (line === 'stay') stop.abort();
    }
  };
  await t.throwsAsync(hear(), { name: 'AbortError' });
});
