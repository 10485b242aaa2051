import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { z } from 'zod';
import { lean } from '../../../infra/images/lean.ts';

const told = z.object({ bytes: z.number(), open: z.int(), spans: z.int() });

test('a connection of HTTP/1 that waits for its next request takes half a KiB', async (t) => {
  const program = fileURLToPath(new URL('idle-connections.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...lean.args, '--expose-gc', program],
    { env: { ...process.env, ...lean.env } },
  );
  const { bytes, open, spans } = told.parse(JSON.parse(stdout));
  t.is(open, 60_000);
  t.is(spans, 60_000);
  t.true(bytes > 300 && bytes < 576, `${bytes} bytes`);
});
