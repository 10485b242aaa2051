import { chmodSync, existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../../functions/host/helpers.ts';
import { startApi, type ApiServer } from '../../functions/api/server.ts';
import { examples } from '../../functions/resources/examples.ts';
import { runCli, type CliResult } from '../run-cli.ts';

interface Bench {
  readonly api: ApiServer;
  /** Edits the Tap `web` with a shell script as the editor; `$1` is the file, `$0.n` may count. */
  readonly edit: (script: string, args?: readonly string[]) => Promise<CliResult>;
  readonly variables: Readonly<Record<string, string>>;
  readonly ports: () => Promise<readonly number[] | undefined>;
  /** What is left in the folder of temporary files: its text, by its name. */
  readonly left: () => readonly string[];
  readonly folder: string;
}

async function start(t: ExecutionContext): Promise<Bench> {
  const api = await startApi(t);
  await api.store.applySpec(examples.Tap, { manager: 'test' });
  const folder = await temporaryFolder(t);
  const editor = join(folder, 'editor');
  const variables = {
    CLOVER_SERVER: api.url,
    CLOVER_TOKEN: api.token,
    TMPDIR: folder,
    EDITOR: editor,
  };
  return {
    api,
    folder,
    variables,
    edit: (script, args = ['tap/web', '-n', 'shop']) => {
      writeFileSync(editor, `#!/bin/sh\n${script}\n`);
      chmodSync(editor, 0o755);
      return runCli(['edit', ...args], { variables });
    },
    ports: async () => (await api.store.get('Tap', 'shop', 'web'))?.spec.ports,
    left: () => readdirSync(folder).filter((name) => name.startsWith('cloverctl-edit-')),
  };
}

/** Resolves once the editor has made the file; fails if it ended without. */
async function exists(path: string, editing: Promise<CliResult>): Promise<void> {
  let ended: CliResult | undefined;
  const noted = async (): Promise<void> => {
    ended = await editing;
  };
  void noted();
  while (!existsSync(path)) {
    if (ended !== undefined) throw new Error(`the editor ended: ${ended.stderr}`);
    await sleep(20);
  }
}

test('what is saved is applied: the file shows the wish alone, to its owner alone', async (t) => {
  const { api, edit, folder, left } = await start(t);
  const result = await edit(
    `stat -c %a "$1" > ${folder}/mode; cp "$1" ${folder}/seen; sed -i 's/- 8080/- 9090/' "$1"`,
  );
  t.deepEqual(result, { code: 0, stdout: 'tap.clover.dev/web edited\n', stderr: '' });
  const object = await api.store.get('Tap', 'shop', 'web');
  t.deepEqual(object?.spec.ports, [80, 9090]);
  t.is(readFileSync(join(folder, 'mode'), 'utf8'), '600\n');
  const seen = readFileSync(join(folder, 'seen'), 'utf8');
  t.regex(seen, /^# Edit the object[^]*\napiVersion: clover\.dev\/v1alpha1\n/);
  t.notRegex(seen, /uid|resourceVersion|status|generation/);
  t.deepEqual(left(), []);
});

test('an edit without changes, or of an emptied file, changes nothing', async (t) => {
  const { edit, left, ports } = await start(t);
  const same = await edit(`echo '# a note' >> "$1"`);
  t.deepEqual(same, { code: 0, stdout: '', stderr: 'Edit cancelled, no changes made.\n' });
  const untouched = await edit('true', ['tap', 'web', '-n', 'shop', '--json']);
  t.is(untouched.stdout, '{"outcome":"unchanged"}\n');
  const empty = await edit(`: > "$1"`);
  t.deepEqual(empty, { code: 0, stdout: '', stderr: 'Edit cancelled, the saved file is empty.\n' });
  t.deepEqual(await ports(), [80, 8080]);
  t.deepEqual(left(), []);
});

test('what is refused opens again with the reasons, until it is corrected', async (t) => {
  const { edit, folder, left, ports } = await start(t);
  const result = await edit(
    `echo >> $0.n; case $(wc -l < $0.n) in
      1) sed -i 's/- 8080/- 99999/' "$1";;
      2) cp "$1" ${folder}/second; sed -i 's/- 99999/- [/' "$1";;
      3) cp "$1" ${folder}/third; sed -i 's/- \\[/- 443/; s/name: web/name: other/' "$1";;
      4) cp "$1" ${folder}/fourth; sed -i 's/name: other/name: web/' "$1";;
    esac`,
  );
  t.is(result.code, 0, result.stderr);
  t.is(result.stdout, 'tap.clover.dev/web edited\n');
  t.deepEqual(await ports(), [80, 443]);
  const seen = (name: string): string => readFileSync(join(folder, name), 'utf8');
  t.regex(
    seen('second'),
    /\n# It was refused: [^]*\n# {3}spec\.ports\[1\]: found 99999; must be at most 65535\n/,
  );
  t.regex(seen('second'), /\n {4}- 99999\n/, 'the edit is there still');
  t.regex(seen('third'), /\n# It was refused: the edited text is not YAML/);
  t.is(seen('third').match(/It was refused/g)?.length, 1, 'old reasons are gone');
  t.regex(seen('fourth'), /metadata\.name: found "other"; an edit keeps "web"/);
  t.deepEqual(left(), []);
});

test('what comes back uncorrected ends the edit, and is kept', async (t) => {
  const { edit, folder, left, ports } = await start(t);
  const result = await edit(`sed -i 's/- 8080/- 99999/' "$1"`);
  t.is(result.code, 4);
  t.regex(
    result.stderr,
    /^your edit is kept in (\S+)\nerror: Tap .*web.* is invalid: spec\.ports\[1\]/,
  );
  const [name] = left();
  const kept = join(folder, name ?? '', 'tap-web.yaml');
  t.true(result.stderr.includes(kept));
  t.regex(readFileSync(kept, 'utf8'), /- 99999/);
  t.is(statSync(kept).mode % 0o1000, 0o600);
  t.deepEqual(await ports(), [80, 8080]);
});

test("an editor that fails is named, and only an edit's changes are kept", async (t) => {
  const { edit, left, ports, variables } = await start(t);
  const failed = await edit('exit 3');
  t.is(failed.code, 1);
  t.regex(
    failed.stderr,
    /^error: the editor ".*editor" \(EDITOR\) ended with status 3; nothing was applied\n$/,
  );
  t.deepEqual(left(), []);
  const changed = await edit(`sed -i 's/- 8080/- 9090/' "$1"; exit 1`);
  t.regex(changed.stderr, /^your edit is kept in /);
  t.is(left().length, 1);
  const missing = await runCli(['edit', 'tap/web', '-n', 'shop'], {
    variables: { ...variables, VISUAL: 'true', CLOVER_EDITOR: '/nowhere/vi -x' },
  });
  t.is(missing.code, 1);
  t.regex(missing.stderr, /the editor "\/nowhere\/vi -x" \(CLOVER_EDITOR\) cannot be run/);
  const shell = await runCli(['edit', 'tap/web', '-n', 'shop'], {
    variables: { ...variables, VISUAL: 'PORTS=8081; sed -i "s/- 8080/- $PORTS/"' },
  });
  t.is(shell.code, 0, shell.stderr);
  t.deepEqual(await ports(), [80, 8081], 'a command line of the shell');
});

test('a change by somebody else meanwhile is a conflict; a new status is none', async (t) => {
  const { api, edit, folder, left } = await start(t);
  const whileOpen = async (work: () => Promise<unknown>): Promise<CliResult> => {
    const editing = edit(
      `touch ${folder}/open; while [ ! -e ${folder}/go ]; do sleep 0.05; done; rm ${folder}/open ${folder}/go; sed -i 's/ 8080/ 9090/' "$1"`,
    );
    await exists(join(folder, 'open'), editing);
    await work();
    writeFileSync(join(folder, 'go'), '');
    return editing;
  };
  const status = await whileOpen(async () => {
    const object = await api.store.get('Tap', 'shop', 'web');
    if (object !== undefined) await api.store.patchStatus(object, { observedGeneration: 1 });
  });
  t.is(status.stdout, 'tap.clover.dev/web edited\n', status.stderr);

  await api.store.applySpec(examples.Tap, { manager: 'test' });
  const theirs = { ...examples.Tap, spec: { ports: [1, 8080] } };
  const conflict = await whileOpen(() => api.store.applySpec(theirs, { manager: 'test' }));
  t.is(conflict.code, 1);
  t.regex(
    conflict.stderr,
    /^your edit is kept in \S+\nerror: Tap shop\/web was changed by somebody else during the edit; nothing was applied/,
  );
  t.deepEqual((await api.store.get('Tap', 'shop', 'web'))?.spec.ports, [1, 8080]);
  t.is(left().length, 1);

  const gone = await whileOpen(() => api.store.delete('Tap', 'shop', 'web'));
  t.is(gone.code, 1);
  t.regex(gone.stderr, /Tap shop\/web was deleted during the edit/);
  t.is(left().length, 2);
});

test('a signal ends the editor, and nothing of the edit is lost', async (t) => {
  const { edit, folder, left } = await start(t);
  const editing = edit(
    `trap 'exit 143' TERM; sed -i 's/ 8080/ 9090/' "$1"; echo $PPID > ${folder}/p; mv ${folder}/p ${folder}/parent; while :; do sleep 0.05; done`,
  );
  const parent = join(folder, 'parent');
  await exists(parent, editing);
  const pid = Number(readFileSync(parent, 'utf8'));
  // Ctrl-C is the editor's: it does not end cloverctl. SIGTERM does.
  process.kill(pid, 'SIGINT');
  process.kill(pid, 'SIGINT');
  process.kill(pid, 'SIGTERM');
  const result = await editing;
  t.is(result.code, 130);
  t.regex(result.stderr, /^your edit is kept in \S+\nerror: the editor .* ended with status 143/);
  t.is(left().length, 1);
});

test('what cannot be edited is said before an editor opens', async (t) => {
  const { edit } = await start(t);
  for (const [args, code, said] of [
    ['tap/none', 3, /Tap default\/none does not exist/],
    ['run/x', 2, /ExperimentRun is a kind that Clover writes alone/],
    ['tap a b', 2, /edit takes one object/],
    ['tap', 2, /edit takes one object, KIND NAME or KIND\/NAME: found "tap"/],
  ] as const) {
    const result = await edit('exit 9', args.split(' '));
    t.is(result.code, code, args);
    t.regex(result.stderr, said);
  }
});

test('an edit that is not UTF-8 is refused and kept; a file that the editor took away is told', async (t) => {
  const { edit, left, ports } = await start(t);
  const before = await ports();
  const gone = await edit('rm "$1"');
  t.is(gone.code, 1);
  t.regex(gone.stderr, /^error: the editor ended and left no file that can be read/);
  t.deepEqual(left(), []);
  const latin1 = await edit(`printf '# \\366\\n- \\366\\n' > "$1"`);
  t.is(latin1.code, 4);
  t.regex(latin1.stderr, /your edit is kept in[^]*the edited text is not UTF-8 from byte 2 on/);
  t.is(left().length, 1);
  t.deepEqual(await ports(), before);
});
