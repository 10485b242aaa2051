import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { z } from 'zod';
import { lean } from '../../../infra/images/lean.ts';

const told = z.object({ bytes: z.number(), open: z.int(), spans: z.int() });

/** What idle-connections.ts tells of a protocol. */
async function idle(protocol: 'http' | 'postgresql'): Promise<z.output<typeof told>> {
  const program = fileURLToPath(new URL('idle-connections.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...lean.args, '--expose-gc', program, protocol],
    { env: { ...process.env, ...lean.env } },
  );
  return told.parse(JSON.parse(stdout));
}

test.serial(
  'a connection of HTTP/1 that waits for its next request takes half a KiB',
  async (t) => {
    const { bytes, open, spans } = await idle('http');
    t.is(open, 60_000);
    t.is(spans, 60_000);
    t.true(bytes > 300 && bytes < 576, `${bytes} bytes`);
  },
);

test.serial(
  'one of PostgreSQL takes as much as is counted of it, however long its last statement was',
  async (t) => {
    const { bytes, open, spans } = await idle('postgresql');
    t.is(open, 6_000);
    t.is(spans, 6_000);
    t.true(bytes > 1_024 && bytes < 480 + 2_048 + 256, `${bytes} bytes`);
  },
);
