import test from 'ava';
import fc from 'fast-check';
import { latestInstant, nextInstant } from '../../../../functions/lib/cron/next.ts';
import { parseCron } from '../../../../functions/lib/cron/parse.ts';
import { CloverError } from '../../../../functions/lib/errors.ts';

const refusal = (text: string, timezone?: string): CloverError => {
  try {
    parseCron(text, timezone);
  } catch (error) {
    if (error instanceof CloverError) return error;
    throw error;
  }
  throw new Error(`"${text}" was taken`);
};

test('a refusal names the field, what was found, and what is allowed', (t) => {
  const { code, details } = refusal('61 * * * *');
  t.is(code, 'CLV_CONFIG_INVALID');
  t.is(details[0]?.field, 'schedule');
  t.regex(details[0]?.message ?? '', /^found "61"; minute: must be of values 0-59/);
  t.regex(refusal('* * * * 7').message, /day of week: must be of values 0-6 or sun-sat/);
  t.regex(refusal('* * *').message, /found "\* \* \*"; must have five fields/);
  t.regex(refusal('@every 1h').message, /found "@every 1h"; must be one of @yearly.*@hourly/);
});

test('a zone is an IANA name, beside the line or in front of it, not both', (t) => {
  for (const zone of ['Europe/Paris', 'America/Port-au-Prince', 'Etc/GMT+5', 'EST5EDT', 'UTC']) {
    t.is(parseCron('* * * * *', zone).zone.name, zone);
    t.is(parseCron(`CRON_TZ=${zone} * * * * *`).zone.name, zone);
    t.is(parseCron(`TZ=${zone} @daily`).zone.name, zone);
  }
  t.is(parseCron('* * * * *').zone.name, 'UTC');
  for (const zone of ['', 'Knative/Land', '+02:00', 'europe/paris', 'Local', '../etc/passwd']) {
    t.is(refusal('* * * * *', zone).details[0]?.field, 'timezone', zone);
  }
  t.is(refusal('TZ=UTC * * * * *', 'UTC').details[0]?.field, 'schedule');
  t.is(refusal('TZ=Knative/Land * * * * *').details[0]?.field, 'schedule');
});

test('what robfig takes and nobody can mean is refused', (t) => {
  for (const line of [
    '0 0 30 2 *',
    '0 0 31 Apr,Jun ?',
    '1,,2 * * * *',
    ', * * * *',
    '*-5 * * * *',
  ]) {
    t.is(refusal(line).code, 'CLV_CONFIG_INVALID', line);
  }
  t.notThrows(() => parseCron('0 0 30 2 Mon'), 'the weekday is an alternative');
  t.is(nextInstant(parseCron('0 0 29 2 ?'), Date.UTC(2096, 2, 1)), undefined, 'not in five years');
});

test('names are of any case, and a field of seconds is optional', (t) => {
  const after = Date.UTC(2026, 0, 1);
  t.is(nextInstant(parseCron('0 12 * JUL mon'), after), Date.UTC(2026, 6, 6, 12));
  t.is(nextInstant(parseCron('30 0 12 * jul Mon'), after), Date.UTC(2026, 6, 6, 12, 0, 30));
});

test('a whole day that the clocks skip is passed over', (t) => {
  const apia = parseCron('0 0 30 12 ?', 'Pacific/Apia');
  t.is(nextInstant(apia, Date.UTC(2011, 11, 1)), Date.parse('2012-12-29T10:00:00Z'));
});

const part = (min: number, max: number) =>
  fc.oneof(
    fc.constant('*'),
    fc.integer({ min, max }).map(String),
    fc.integer({ min: 1, max: 20 }).map((step) => `*/${step}`),
    fc
      .tuple(fc.integer({ min, max }), fc.integer({ min, max }))
      .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
  );
const line = fc
  .tuple(part(0, 59), part(0, 59), part(0, 23), part(1, 28), part(1, 12), part(0, 6))
  .map((fields) => fields.join(' '));
const zone = fc.constantFrom('UTC', 'America/New_York', 'America/Sao_Paulo', 'Australia/Lord_Howe');
const instant = fc.integer({ min: Date.UTC(2010, 0, 1), max: Date.UTC(2035, 0, 1) });

test('the next instant is later, whole, and nothing lies between; the latest is its mirror', (t) => {
  fc.assert(
    fc.property(line, zone, instant, (text, timezone, after) => {
      const cron = parseCron(text, timezone);
      const next = nextInstant(cron, after);
      if (next === undefined) return;
      t.true(next > after && next % 1_000 === 0);
      t.is(nextInstant(cron, next - 1), next);
      t.is(latestInstant(cron, next), next);
      const latest = latestInstant(cron, after);
      if (latest === undefined) return;
      t.true(latest <= after);
      t.is(nextInstant(cron, latest), next);
    }),
    { numRuns: 100 },
  );
});

test('no text makes the parser do anything but answer or refuse', (t) => {
  fc.assert(
    fc.property(fc.string(), fc.option(fc.string(), { nil: undefined }), (text, timezone) => {
      try {
        parseCron(text, timezone);
      } catch (error) {
        if (!(error instanceof CloverError)) throw error;
      }
    }),
  );
  t.pass();
});
