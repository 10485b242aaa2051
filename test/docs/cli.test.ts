import { readdir, readFile } from 'node:fs/promises';
import process from 'node:process';
import test from 'ava';
import type { Command } from 'commander';
import { createCliEnv } from '../../cloverctl/env.ts';
import { exampleCommands, examplesOf } from '../../cloverctl/examples.ts';
import { exitCodes } from '../../cloverctl/exit-codes.ts';
import { createProgram } from '../../cloverctl/program.ts';
import { leaves } from '../../infra/docs/cli-page.ts';
import { kinds } from '../../knative/resources/kinds.ts';

const root = new URL('../../', import.meta.url);
const read = (): Promise<string> => readFile(new URL('docs/cli.md', root), 'utf8');
const env = createCliEnv(process);

test('docs/cli.md lists every exit code and no other', async (t) => {
  const listed = [...(await read()).matchAll(/^\| (\d+) +\|/gm)].map(([, code]) => Number(code));
  t.deepEqual(listed, Object.values(exitCodes));
});

test('docs/cli.md names every kind', async (t) => {
  const text = await read();
  for (const { plural, shortNames } of kinds) {
    for (const name of [plural, ...shortNames]) t.true(text.includes(`\`${name}\``), name);
  }
});

test('docs/cli.md names every environment variable that cloverctl looks at', async (t) => {
  const text = await read();
  const folder = new URL('cloverctl/', root);
  const files = (await readdir(folder, { recursive: true })).filter(
    // What the supervisor gives its own processes is not for users.
    (name) => name.endsWith('.ts') && !name.startsWith('supervisor/'),
  );
  const names = new Set<string>();
  for (const file of files) {
    const source = await readFile(new URL(file, folder), 'utf8');
    const found = source.matchAll(/'(CLOVER_[A-Z_]+|[A-Z]+_COLOR|CLICOLOR\w*|VISUAL|EDITOR)'/g);
    for (const [, name = ''] of found) names.add(name);
  }
  t.true(names.size > 5);
  for (const name of names) t.true(text.includes(`\`${name}\``), name);
});

test('every command has a description and an example', async (t) => {
  const all = leaves(await createProgram([], env));
  t.true(all.length > 20);
  for (const { words, command } of all) {
    t.not(command.description(), '', words.join(' '));
    t.true(
      examplesOf(words.join(' ')).length > 0,
      `cloverctl/examples.ts has no ${words.join(' ')}`,
    );
  }
});

test('every example is of a command that there is', async (t) => {
  const names = new Set(leaves(await createProgram([], env)).map(({ words }) => words.join(' ')));
  for (const name of exampleCommands) t.true(names.has(name), name);
});

test('cloverctl takes the arguments of every example', async (t) => {
  for (const { words } of leaves(await createProgram([], env))) {
    for (const { line } of examplesOf(words.join(' '))) {
      const args = cliWords(line);
      t.deepEqual(args.slice(0, words.length), [...words], line);
      const program = await createProgram(args, env);
      let ran = 0;
      silence(program, () => (ran += 1));
      await t.notThrowsAsync(program.parseAsync(args, { from: 'user' }), line);
      t.is(ran, 1, line);
    }
  }
});

/** Commands do nothing but be counted. */
function silence(command: Command, onRun: () => void): void {
  command.exitOverride().configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
  if (command.commands.length === 0) command.action(onRun);
  for (const inner of command.commands) silence(inner, onRun);
}

/** What a shell gives cloverctl of such a line: words and quotes, up to the operator that ends the command. */
function cliWords(line: string): string[] {
  const [, command = ''] =
    /(?:^|[|(] ?)cloverctl ((?:'[^']*'|"[^"]*"|[^|()<>'"])+)/.exec(line) ?? [];
  return [...command.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) =>
    word.replaceAll(
      /'([^']*)'|"([^"]*)"/g,
      (_, single?: string, double?: string) => single ?? double ?? '',
    ),
  );
}
