import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { catalogue } from '../../../knative/catalogue.ts';
import { completionScripts, type Shell } from '../../../cloverctl/completion/scripts.ts';
import { startApi } from '../../functions/api/server.ts';
import { eventOf, temporaryFolder } from '../../functions/host/helpers.ts';
import { examples } from '../../functions/resources/examples.ts';
import { runCli } from '../run-cli.ts';

const bin = fileURLToPath(new URL('../../../cloverctl/bin.mjs', import.meta.url));

interface ShellUser {
  readonly variables: Readonly<Record<string, string>>;
  readonly folder: string;
}

/** A server with objects, and an environment in which `cloverctl` is a command. */
async function start(t: ExecutionContext): Promise<ShellUser> {
  const api = await startApi(t);
  for (const name of ['web', 'worker']) {
    const metadata = { ...examples.Tap.metadata, name };
    await api.store.applySpec({ ...examples.Tap, metadata }, { manager: 'test' });
  }
  for (const trigger of ['on-a', 'on-b']) api.broker.bury(eventOf(), trigger);
  const folder = await temporaryFolder(t);
  const program = `#!/bin/sh\nexec '${process.execPath}' '${bin}' "$@"\n`;
  await writeFile(join(folder, 'cloverctl'), program, { mode: 0o755 });
  for (const [shell, script] of Object.entries(completionScripts)) {
    await writeFile(join(folder, `completion.${shell}`), script);
  }
  const variables = {
    PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}`,
    HOME: folder,
    TERM: 'xterm',
    CLOVER_HOME: folder,
    CLOVER_SERVER: api.url,
    CLOVER_TOKEN: api.token,
    // On a machine that is busy names may come late, and here they have to come.
    CLOVER_COMPLETION_TIMEOUT: '60s',
  };
  return { variables, folder };
}

/** Whether the shell is here; says so where it is not. */
function has(t: ExecutionContext, shell: Shell): boolean {
  if (spawnSync(shell, ['-c', 'exit 0']).status === 0) return true;
  t.log(`left out: ${shell} is not installed`);
  t.pass();
  return false;
}

test('names of live objects, namespaces, triggers and dead letters are completed', async (t) => {
  const { variables } = await start(t);
  const complete = async (...words: string[]) =>
    (await runCli(['__complete', '--', ...words], { variables })).stdout;
  t.is(await complete('describe', 'tap', '-n', 'shop', ''), 'web\nworker\n');
  t.is(await complete('delete', 'tap', '-n', 'shop', 'web', 'w'), 'worker\n');
  t.is(await complete('get', '--namespace=shop', 'taps/wo'), 'taps/worker\n');
  t.is(await complete('get', 'taps', '-n', ''), 'shop\n');
  t.is(await complete('deadletters', 'drop', '2', ''), '1\ton-a: test.event\n');
  t.is(await complete('deadletters', 'list', '--trigger', 'on-b'), 'on-b\n');
  const known = catalogue.flatMap(({ triggers }) => triggers.map(({ name }) => name));
  const offered = await complete('deadletters', 'list', '--trigger', '');
  t.deepEqual(offered.trim().split('\n').sort(), [...new Set([...known, 'on-a', 'on-b'])].sort());
});

test('completion says nothing, not even of errors, when nobody answers or the token is wrong', async (t) => {
  const { variables } = await start(t);
  const silent = { code: 0, stdout: '', stderr: '' };
  const words = ['__complete', '--', 'get', 'tap', '-n', 'shop', ''];
  for (const wrong of [{ CLOVER_TOKEN: 'wrong' }, { CLOVER_SERVER: 'http://127.0.0.1:2' }]) {
    t.deepEqual(await runCli(words, { variables: { ...variables, ...wrong } }), silent);
  }
});

test('completion prints the script of a shell, and knows no other', async (t) => {
  for (const [shell, script] of Object.entries(completionScripts)) {
    t.is((await runCli(['completion', shell])).stdout, script);
  }
  const other = await runCli(['completion', 'tcsh']);
  t.is(other.code, 2);
  t.regex(other.stderr, /bash, fish, zsh/);
});

test('bash offers commands, values after =, kinds and names', async (t) => {
  if (!has(t, 'bash')) return;
  const { variables, folder } = await start(t);
  const replies = async (line: string, words: readonly string[]): Promise<string> => {
    const script = `
      source ${folder}/completion.bash
      complete -p cloverctl >&2
      COMP_LINE=$1 COMP_POINT=\${#1}; shift
      COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
      _cloverctl
      printf '%s ' "\${COMPREPLY[@]}"`;
    const args = ['--norc', '-c', script, 'bash', line, ...words];
    return (await promisify(execFile)('bash', args, { env: variables })).stdout.trim();
  };
  t.is(await replies('cloverctl ver', ['cloverctl', 'ver']), 'version');
  const values = ['cloverctl', 'top', '--sort', '=', 'r'];
  t.is(await replies('cloverctl top --sort=r', values), 'requests', 'bash keeps what is before =');
  const names = ['cloverctl', 'get', 'tap', '-n', 'shop', ''];
  t.is(await replies('cloverctl get tap -n shop ', names), 'web worker');
});

test('fish offers commands, options and names, with what they mean', async (t) => {
  if (!has(t, 'fish')) return;
  const { variables, folder } = await start(t);
  const replies = async (line: string): Promise<string> => {
    const script = `source ${folder}/completion.fish; complete -C '${line}'`;
    const args = ['--no-config', '-c', script];
    return (await promisify(execFile)('fish', args, { env: variables })).stdout.trim();
  };
  t.regex(await replies('cloverctl ver'), /^version\tshow the versions/);
  t.regex(await replies('cloverctl top --so'), /^--sort\tgreatest first$/);
  t.is(await replies('cloverctl describe tap -n shop '), 'web\nworker');
  t.is(await replies('cloverctl top --sort=r'), '--sort=requests');
  t.regex(
    await replies(`cloverctl apply -f ${folder}/compl`),
    /completion\.bash[^]*completion\.zsh/,
  );
});

/** Types lines into a shell on a terminal, and gives back what it shows. */
async function type(
  { variables, folder }: ShellUser,
  shell: string,
  lines: readonly string[],
): Promise<string> {
  const args = ['--quiet', '--flush', '--return', '--command', shell, '/dev/null'];
  const child = spawn('script', args, { env: { ...variables }, cwd: folder, stdio: 'pipe' });
  const exited: Promise<unknown> = once(child, 'exit');
  let shown = '';
  let next = 0;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    shown += chunk;
    // Each line is typed at its own prompt, as a person would.
    if (shown.split(`ready${next}> `).length > 1 && next < lines.length) {
      child.stdin.write(lines[next]);
      next += 1;
    }
  });
  await exited;
  return shown;
}

test('a line that is completed with the tab key in bash runs as completed', async (t) => {
  if (!has(t, 'bash')) return;
  const user = await start(t);
  const setUp = `source completion.bash; n=0; PROMPT_COMMAND='PS1="ready$((n++))> "'`;
  await writeFile(join(user.folder, 'rc.bash'), setUp);
  const shown = await type(user, 'bash --noprofile --rcfile rc.bash -i', [
    'cloverctl vers\t--cli\t\r',
    'cloverctl describe tap -n shop wo\t\r',
    'exit\r',
  ]);
  t.regex(shown, /Client Version: \d/);
  t.regex(shown, /Name: +worker\r/);
});

test('a line that is completed with the tab key in zsh runs as completed', async (t) => {
  if (!has(t, 'zsh')) return;
  const user = await start(t);
  const setUp = `autoload -Uz compinit; compinit -u; source completion.zsh; n=0; precmd() { PS1="ready$n> "; ((n++)) }`;
  await writeFile(join(user.folder, '.zshrc'), setUp);
  const zsh = { ...user, variables: { ...user.variables, ZDOTDIR: user.folder } };
  const shown = await type(zsh, 'zsh -i', [
    'cloverctl vers\t--cli\t\r',
    'cloverctl describe tap -n shop wo\t\r',
    'cloverctl top --once --sort=req\t\r',
    "cloverctl get tap -n shop -o jsonp\t'names: {.items[*].metadata.name}'\r",
    'exit\r',
  ]);
  t.regex(shown, /names: web worker/, 'no space comes behind what goes on');
  t.regex(shown, /Client Version: \d/);
  t.regex(shown, /Name: +worker\r/);
  t.regex(shown, /SERVICE +VERSION/);
});
