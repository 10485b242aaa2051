import { readFile } from 'node:fs/promises';
import test from 'ava';
import { z } from 'zod';
import { nextInstant } from '../../../../functions/lib/cron/next.ts';
import { parseCron } from '../../../../functions/lib/cron/parse.ts';
import { CloverError } from '../../../../functions/lib/errors.ts';

const oneCase = z.object({
  schedule: z.string(),
  timezone: z.string(),
  after: z.number(),
  next: z.array(z.number()),
});

/** Made by `oracle/main.go` with the library that PingSource uses: what it refuses, then a case per line. */
async function read() {
  const text = await readFile(new URL('cases.jsonl', import.meta.url), 'utf8');
  const [refused = '', ...cases] = text.trimEnd().split('\n');
  return {
    refused: z.array(z.string()).parse(JSON.parse(refused)),
    cases: cases.map((line) => oneCase.parse(JSON.parse(line))),
  };
}

test("instants are robfig/cron's, at changes of the clocks too", async (t) => {
  const { cases } = await read();
  t.true(cases.length > 1_000);
  for (const { schedule, timezone, after, next } of cases) {
    const cron = parseCron(schedule, timezone);
    let at: number | undefined = after;
    for (const wanted of next) {
      at = nextInstant(cron, at);
      const place = `${schedule} in ${timezone} after ${new Date(after).toISOString()}`;
      if (at !== wanted)
        t.is(new Date(at ?? 0).toISOString(), new Date(wanted).toISOString(), place);
      if (at === undefined) break;
    }
  }
});

test('what robfig/cron refuses is refused', async (t) => {
  for (const line of (await read()).refused) {
    t.throws(() => parseCron(line), { instanceOf: CloverError, code: 'CLV_CONFIG_INVALID' }, line);
  }
});
