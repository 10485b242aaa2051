import type { CronSchedule } from './parse.ts';
import { instantOf } from './zone.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Who asks for less often than this many years asks for never. */
const horizonYears = 5;

/**
 * The first instant of a schedule after another, both in Unix ms; undefined when there is none within five
 * years.
 *
 * Instants are robfig/cron's, at changes of the clocks too: a time that they skip does not happen that
 * day; of a time that they show twice, both happen.
 */
export function nextInstant(schedule: CronSchedule, after: number): number | undefined {
  const { zone } = schedule;
  const wallAt = (instant: number): Date => new Date(instant + zone.offsetAt(instant));
  const startOf = (wall: Date, unit: 'month' | 'day' | 'hour'): number =>
    instantOf(
      zone,
      Date.UTC(
        wall.getUTCFullYear(),
        wall.getUTCMonth(),
        unit === 'month' ? 1 : wall.getUTCDate(),
        unit === 'hour' ? wall.getUTCHours() : 0,
      ),
    );

  let at = Math.floor(after / second) * second + second;
  let wall = wallAt(at);
  const lastYear = wall.getUTCFullYear() + horizonYears;
  /** The fields below the one that moved begin anew, once. */
  let moved = false;
  const move = (start: number, step: (from: number) => number): void => {
    at = step(moved ? at : start);
    moved = true;
    wall = wallAt(at);
  };
  /** Moves on while the field does not match; false when the one above it has turned over. */
  const settle = (
    matches: () => boolean,
    start: () => number,
    step: (from: number) => number,
    turned: () => boolean,
  ): boolean => {
    while (!matches()) {
      move(start(), step);
      if (turned()) return false;
    }
    return true;
  };

  const nextMonth = (from: number): number => {
    const local = wallAt(from);
    return instantOf(
      zone,
      Date.UTC(local.getUTCFullYear(), local.getUTCMonth() + 1, local.getUTCDate()) +
        timeOfDay(local),
    );
  };
  const nextDay = (from: number): number => {
    const local = wallAt(from).getTime();
    const next = instantOf(zone, local + day);
    // Where the clocks skip midnight, or show it twice, this is an hour off.
    const hours = wallAt(next).getUTCHours();
    const midnight = hours === 0 ? next : next + (hours > 12 ? 24 - hours : -hours) * hour;
    // Where they skip a whole day, this stands still; robfig loops for ever.
    return midnight > from ? midnight : from + hour;
  };

  while (wall.getUTCFullYear() <= lastYear) {
    const settled =
      settle(
        () => schedule.month.values.has(wall.getUTCMonth() + 1),
        () => startOf(wall, 'month'),
        nextMonth,
        () => wall.getUTCMonth() === 0,
      ) &&
      settle(
        () => dayMatches(schedule, wall),
        () => startOf(wall, 'day'),
        nextDay,
        () => wall.getUTCDate() === 1,
      ) &&
      settle(
        () => schedule.hour.values.has(wall.getUTCHours()),
        () => startOf(wall, 'hour'),
        (from) => from + hour,
        () => wall.getUTCHours() === 0,
      ) &&
      settle(
        () => schedule.minute.values.has(wall.getUTCMinutes()),
        () => Math.floor(at / minute) * minute,
        (from) => from + minute,
        () => wall.getUTCMinutes() === 0,
      ) &&
      settle(
        () => schedule.second.values.has(wall.getUTCSeconds()),
        () => at,
        (from) => from + second,
        () => wall.getUTCSeconds() === 0,
      );
    if (settled) return at;
  }
  return undefined;
}

/** The last instant of a schedule that is not after `now`, Unix ms; undefined as for {@link nextInstant}. */
export function latestInstant(schedule: CronSchedule, now: number): number | undefined {
  const comes = (after: number): number => nextInstant(schedule, after) ?? Infinity;
  // `low` has an instant after it that is not after `now`; `high` has none.
  let high = now;
  let low = now;
  for (let span = second; comes(low) > now; span *= 8) {
    if (span > horizonYears * 366 * day) return undefined;
    high = low;
    low = now - span;
  }
  while (high - low > second) {
    const middle = Math.floor((low + high) / 2);
    if (comes(middle) > now) high = middle;
    else low = middle;
  }
  return comes(low);
}

/** Robfig's rule, and cron's: two days that are both asked for are alternatives. */
function dayMatches({ dayOfMonth, dayOfWeek }: CronSchedule, wall: Date): boolean {
  const byDate = dayOfMonth.values.has(wall.getUTCDate());
  const byName = dayOfWeek.values.has(wall.getUTCDay());
  return dayOfMonth.star || dayOfWeek.star ? byDate && byName : byDate || byName;
}

function timeOfDay(wall: Date): number {
  return wall.getTime() - Math.floor(wall.getTime() / day) * day;
}
