const dateTime =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;
const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Whether a text is a date-time of RFC 3339 §5.6 with numbers in the ranges of §5.7. Second 60 is
 * taken where leap seconds are put: at the end of a month in UTC.
 */
export function isRfc3339(text: string): boolean {
  const parts = dateTime.exec(text);
  if (parts === null) return false;
  const at = (group: number): number => Number(parts[group] ?? 0);
  const [year, month, day, hour, minute, second] = [at(1), at(2), at(3), at(4), at(5), at(6)];
  const [offsetHour, offsetMinute] = [at(8), at(9)];
  if (day < 1 || day > daysIn(year, month)) return false;
  if (hour > 23 || minute > 59 || offsetHour > 23 || offsetMinute > 59) return false;
  if (second < 60) return true;
  const offset = (parts[7] === '-' ? -1 : 1) * (offsetHour * 60 + offsetMinute);
  // The calendar comes again after 400 years, and Date.UTC takes years before 100 for others.
  const next = new Date(Date.UTC(year + 400, month - 1, day, hour, minute + 1 - offset));
  return (
    second === 60 && next.getUTCDate() === 1 && next.getUTCHours() + next.getUTCMinutes() === 0
  );
}

/** Days of a month of the Gregorian calendar; none for a month that there is not. */
function daysIn(year: number, month: number): number {
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return month === 2 && isLeap ? 29 : (monthDays[month - 1] ?? 0);
}

/** A time as resources keep it: RFC 3339 in UTC, to the millisecond. */
export function toRfc3339(unixMs: number): string {
  return new Date(unixMs).toISOString();
}

/**
 * Unix milliseconds of a time that a resource keeps; undefined of none.
 * @throws TypeError for a text that is no time: the schema has checked the form.
 */
export function toUnixMs(time: string): number;
export function toUnixMs(time: string | undefined): number | undefined;
export function toUnixMs(time: string | undefined): number | undefined {
  if (time === undefined) return undefined;
  const unixMs = Date.parse(time);
  if (Number.isNaN(unixMs)) throw new TypeError(`not a time: ${time}`);
  return unixMs;
}
