import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { createAuthorization } from '../../../functions/lib/authorization.ts';

const monotonicMs = (): number => 0;

test('a token that was given stays, and none is no header', async (t) => {
  t.is(await createAuthorization({ token: 'secret', monotonicMs })(), 'Bearer secret');
  t.is(await createAuthorization({ monotonicMs })(), undefined);
});

test('a file is read again after a minute, and its failure is told each time', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'clover-token-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const tokenFile = join(folder, 'token');
  let now = 0;
  const authorization = createAuthorization({ tokenFile, monotonicMs: () => now });
  await t.throwsAsync(authorization, { code: 'CLV_CONFIG_INVALID', message: /cannot read/ });
  await writeFile(tokenFile, 'first\n');
  t.is(await authorization(), 'Bearer first');
  await writeFile(tokenFile, 'second\n');
  now = 60_000;
  t.is(await authorization(), 'Bearer first');
  now = 60_001;
  t.is(await authorization(), 'Bearer second');
});
