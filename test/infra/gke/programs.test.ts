import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import test from 'ava';
import { z } from 'zod';
import { cloud, outcome, said } from './cloud.ts';

const run = promisify(execFile);

/** They read commands: they need, and get, no account and no network. */
const environmentOf = (folder: string) => ({
  PATH: process.env['PATH'],
  CLOUDSDK_CONFIG: join(folder, 'config'),
  CLOUDSDK_CORE_DISABLE_PROMPTS: '1',
  CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: '1',
  CLOUDSDK_CORE_CHECK_GCE_METADATA: '0',
});

const lint = existsSync('/usr/bin/gcloud') ? test : test.skip;
if (lint === test.skip)
  process.stderr.write('commands are not shown to gcloud: it is not installed\n');

lint('gcloud itself takes every command, by its own reading of commands', async (t) => {
  t.timeout(120_000);
  const { folder, cluster, calls } = await cloud(t);
  await cluster('up');
  await cluster('delete', '--yes');
  const commands = (await calls()).filter((call) => call.startsWith('gcloud '));
  t.true(commands.length > 15);
  const wrong = 'gcloud container clusters create clover --no-such-flag';
  const file = join(folder, 'commands.md');
  await writeFile(file, ['```', ...commands, wrong, '```', ''].join('\n'));
  const { stdout } = await run(
    '/usr/bin/gcloud',
    ['meta', 'lint-gcloud-commands', '--commands-text-file', file],
    {
      maxBuffer: 2 ** 26,
      env: environmentOf(folder),
    },
  );
  const verdicts = z
    .array(
      z.object({
        command_string: z.string(),
        success: z.boolean(),
        error_message: z.string().nullish(),
      }),
    )
    .parse(JSON.parse(stdout));
  t.is(verdicts.length, commands.length + 1);
  for (const { command_string: command, success, error_message: message } of verdicts) {
    t.is(success, !command.includes('--no-such-flag'), `${command}: ${message}`);
  }
});

const lintBq = existsSync('/usr/bin/bq') ? test : test.skip;
if (lintBq === test.skip)
  process.stderr.write('commands are not shown to bq: it is not installed\n');

lintBq('bq itself takes every command, as far as it gets without a server', async (t) => {
  t.timeout(240_000);
  const { folder, cluster } = await cloud(t);
  await writeFile(join(folder, 'token'), 'none');
  const env = {
    ...environmentOf(folder),
    CLOUDSDK_AUTH_ACCESS_TOKEN_FILE: join(folder, 'token'),
  };
  // Nobody listens there: flags are read before anybody is asked.
  const ask = async (command: string): Promise<string> => {
    const call = command.replace(/^bq /, '/usr/bin/bq --api=http://127.0.0.1:9 ');
    const { stdout, stderr } = outcome.parse(
      await run('bash', ['-c', call], { env }).catch((error: unknown) => error),
    );
    return stdout + stderr;
  };
  const printed = await Promise.all(
    ['up', 'delete'].map(async (command) => said((await cluster(command, '--dry-run')).stdout)),
  );
  const commands = printed.flat().filter((command) => command.startsWith('bq '));
  t.is(commands.length, 3);
  for (const command of commands) {
    t.regex(await ask(command), /Cannot contact server|Could not connect/, command);
  }
  t.regex(await ask('bq mk --no_such_flag'), /Unknown command line flag 'no_such_flag'/);
});
