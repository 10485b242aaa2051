import { titleOf, type Place } from './collections.ts';
import type { Readiness } from './readiness.ts';

/** An object and what is said of it. */
export interface Saying extends Readiness {
  readonly place: Place;
}

/** What was said of an object, since when, and what of it was told. */
interface Heard {
  readonly text: string;
  readonly since: number;
  readonly told: string | undefined;
}

/**
 * How long an object has to lack the same before that is told. What is on its way passes many states within seconds, and
 * everything that is made of it tells each of them in words of its own.
 */
const steadyMs = 10_000;

/**
 * What is worth a line each time that those who wait were looked at: who is ready and was not, and what has been missing for a
 * while, once. Objects of one kind share a line.
 */
export function waitProgress(): (sayings: readonly Saying[], now: number) => readonly string[] {
  const heard = new Map<string, Heard>();
  const isNews = ({ place, ready, text }: Saying, now: number): boolean => {
    const title = titleOf(place);
    const before = heard.get(title);
    // What is ready at once is not worth a line.
    if (ready) return before !== undefined;
    const since = before?.text === text ? before.since : now;
    const isSteady = now - since >= steadyMs;
    heard.set(title, { text, since, told: isSteady ? text : before?.told });
    return isSteady && before?.told !== text;
  };
  return (sayings, now) => {
    const news = sayings.filter((saying) => isNews(saying, now));
    const kinds = Map.groupBy(news, ({ place, ready }) => `${kindOf(place)} ${ready}`);
    return [...kinds.values()].flatMap(([first, ...others]) =>
      first === undefined ? [] : [lineOf(first, others.length)],
    );
  };
}

function kindOf(place: Place): string {
  return titleOf({ ...place, name: '' });
}

function lineOf({ place, text }: Saying, others: number): string {
  return `${titleOf(place)}${others === 0 ? '' : ` and ${others} more`}: ${text}`;
}
