import { execFile, spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { z } from 'zod';

const program = fileURLToPath(new URL('fixtures/logging-process.ts', import.meta.url));
const line = z.looseObject({ level: z.number(), time: z.number(), msg: z.string() });

async function lines(...args: readonly string[]): Promise<z.output<typeof line>[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args]);
  return stdout
    .trim()
    .split('\n')
    .map((each) => line.parse(JSON.parse(each)));
}

/** Lines whose fields are not plain. */
const odd = ['circular', 'hostile', 'known'];
const err = z.object({ type: z.string(), message: z.string(), stack: z.string() });

for (const when of ['at-once', 'later']) {
  test(`lines keep their order, fields and times in a process that ends ${when}`, async (t) => {
    const began = Date.now();
    const written = await lines(when);
    const expected = ['ready', 'plain', 'failed', ...odd, ...(when === 'later' ? ['later'] : [])];
    t.deepEqual(
      written.map(({ msg }) => msg),
      expected,
    );
    const [ready, plain, failed] = written;
    const later = written.at(-1);
    t.like(ready, { level: 30, function: 'hello', url: 'http://127.0.0.1' });
    t.like(plain, { level: 40, function: 'hello', requestId: 'r-1' });
    t.like(failed, { level: 50, requestId: 'r-1' });
    const { type, message, stack } = err.parse(failed?.['err']);
    t.deepEqual({ type, message }, { type: 'TypeError', message: 'no such thing' });
    t.regex(stack, /logging-process\.ts/);
    if (when === 'later') t.like(later, { level: 30, requestId: 'r-1', last: true });
    for (const { time } of written) t.true(time >= began && time <= Date.now());
    const times = written.map(({ time }) => time);
    t.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
  });
}

test('a line is out when it is said: also of a process that is killed right after it', async (t) => {
  const child = spawn(process.execPath, [program, 'killed'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const out = await text(child.stdout);
  t.like(JSON.parse(out), { level: 30, function: 'hello', msg: 'ready' });
});

test('what cannot be written as it is costs no line, and errors are told as pino tells them', async (t) => {
  const late = await lines('at-once');
  const [circular, hostile, known] = odd.map((name) => late.find(({ msg }) => msg === name));
  const twice = [{ once: true }, { once: true }];
  t.deepEqual(circular?.['loop'], { big: '12', twice, self: { loop: '[Circular]' } });
  t.like(hostile, { level: 40, function: 'hello', unwritable: 'Error: not to be written' });
  t.like(known?.['err'], { type: 'CloverError', code: 'CLV_OVERLOADED' });
  const byPino = (await lines('later')).find(({ msg }) => msg === 'known');
  t.deepEqual(known?.['err'], byPino?.['err']);
});
