import { CloverError } from '../errors.ts';
import { createZone, type Zone } from './zone.ts';

/** The values that one field of a cron line allows. */
export interface CronField {
  readonly values: ReadonlySet<number>;
  /** It was written as `*` or `?`: it asks for nothing. */
  readonly star: boolean;
}

/** A parsed cron line. */
export interface CronSchedule {
  readonly second: CronField;
  readonly minute: CronField;
  readonly hour: CronField;
  readonly dayOfMonth: CronField;
  /** 1 to 12. */
  readonly month: CronField;
  /** 0 is Sunday. */
  readonly dayOfWeek: CronField;
  readonly zone: Zone;
}

interface Bounds {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Names of the values from `min` on. */
  readonly names?: readonly string[];
}

const bounds = {
  second: { name: 'second', min: 0, max: 59 },
  minute: { name: 'minute', min: 0, max: 59 },
  hour: { name: 'hour', min: 0, max: 23 },
  dayOfMonth: { name: 'day of month', min: 1, max: 31 },
  month: {
    name: 'month',
    min: 1,
    max: 12,
    names: 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' '),
  },
  dayOfWeek: {
    name: 'day of week',
    min: 0,
    max: 6,
    names: 'sun mon tue wed thu fri sat'.split(' '),
  },
} as const satisfies Record<string, Bounds>;

const descriptors: ReadonlyMap<string, string> = new Map([
  ['@yearly', '0 0 0 1 1 *'],
  ['@annually', '0 0 0 1 1 *'],
  ['@monthly', '0 0 0 1 * *'],
  ['@weekly', '0 0 0 * * 0'],
  ['@daily', '0 0 0 * * *'],
  ['@midnight', '0 0 0 * * *'],
  ['@hourly', '0 0 * * * *'],
]);

const daysOfMonth = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Parses a cron line as Knative's PingSource does, which is robfig/cron's standard parser with an optional
 * field of seconds in front. What that parser takes but nobody can mean is refused: a list with an
 * empty item, `*-5`, a line that never fires.
 *
 * @param text five or six fields, or a descriptor such as `@hourly`; with `CRON_TZ=<zone> ` in front only
 *   when there is no `timezone`.
 * @param timezone an IANA name. Default: UTC.
 * @throws CloverError CLV_CONFIG_INVALID whose details name `schedule` or `timezone`, what was found
 *   and what is allowed.
 */
export function parseCron(text: string, timezone?: string): CronSchedule {
  const prefixed = timezone === undefined ? /^(?:CRON_)?TZ=(\S*)\s+(.*)$/s.exec(text) : null;
  const name = timezone ?? prefixed?.[1] ?? 'UTC';
  const zone = createZone(name);
  if (zone === undefined) {
    const allowed = 'must be the name of a time zone, such as "UTC" or "Europe/Paris"';
    throw invalid(prefixed === null ? 'timezone' : 'schedule', name, allowed);
  }
  return { ...parseFields(prefixed?.[2] ?? text, text), zone };
}

function parseFields(line: string, text: string): Omit<CronSchedule, 'zone'> {
  if (line.startsWith('@') && !descriptors.has(line)) {
    const allowed = `must be one of ${[...descriptors.keys()].join(', ')}; an interval is written as fields, such as "*/5 * * * *"`;
    throw invalid('schedule', line, allowed);
  }
  const fields = (descriptors.get(line) ?? line).split(/\s+/).filter((field) => field !== '');
  if (fields.length === 5) fields.unshift('0');
  const [second, minute, hour, dayOfMonth, month, dayOfWeek, ...more] = fields;
  if (dayOfWeek === undefined || more.length > 0) {
    const allowed =
      'must have five fields (minute, hour, day of month, month, day of week), or six with the second first';
    throw invalid('schedule', text, allowed);
  }
  const parsed = {
    second: parseField(second ?? '', bounds.second),
    minute: parseField(minute ?? '', bounds.minute),
    hour: parseField(hour ?? '', bounds.hour),
    dayOfMonth: parseField(dayOfMonth ?? '', bounds.dayOfMonth),
    month: parseField(month ?? '', bounds.month),
    dayOfWeek: parseField(dayOfWeek, bounds.dayOfWeek),
  };
  const { values } = parsed.dayOfMonth;
  const exists = [...parsed.month.values].some((each) =>
    [...values].some((day) => day <= (daysOfMonth[each - 1] ?? 0)),
  );
  if (!exists && parsed.dayOfWeek.star) {
    throw invalid('schedule', text, 'must have a day that the month has');
  }
  return parsed;
}

/** A list of ranges, between commas. */
function parseField(text: string, field: Bounds): CronField {
  const ranges = text.split(',').map((range) => parseRange(range, field));
  return {
    values: new Set(ranges.flatMap(({ values }) => [...values])),
    star: ranges.some(({ star }) => star),
  };
}

/** `*`, a value or two, then perhaps a step; a value with a step goes on to the end. */
function parseRange(text: string, field: Bounds): CronField {
  const parts = /^(?:([*?])|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(text);
  if (parts === null) throw refuse(text, field);
  const [, any, low, high, by] = parts;
  const start = low === undefined ? field.min : valueOf(low, field);
  const last = high === undefined ? start : valueOf(high, field);
  const end = low === undefined || (high === undefined && by !== undefined) ? field.max : last;
  const step = by === undefined ? 1 : Number(by);
  if (start > end || step < 1) throw refuse(text, field);
  const values = new Set<number>();
  for (let value = start; value <= end; value += step) values.add(value);
  return { values, star: any !== undefined && step === 1 };
}

function valueOf(text: string, field: Bounds): number {
  const { min, max, names = [] } = field;
  const named = names.indexOf(text.toLowerCase());
  const value = named < 0 ? Number(/^\d+$/.test(text) ? text : NaN) : named + min;
  if (!(value >= min && value <= max)) throw refuse(text, field);
  return value;
}

function refuse(found: string, { name, min, max, names = [] }: Bounds): CloverError {
  const named = names.length === 0 ? '' : ` or ${names[0]}-${names.at(-1)}`;
  const allowed = `must be of values ${min}-${max}${named}: "*", "a", "a-b", each perhaps with a step "/n", in a list with ","`;
  return invalid('schedule', found, `${name}: ${allowed}`);
}

function invalid(field: 'schedule' | 'timezone', found: string, allowed: string): CloverError {
  const message = `found "${found}"; ${allowed}`;
  return new CloverError('CLV_CONFIG_INVALID', `${field}: ${message}`, {
    details: [{ field, message }],
  });
}
