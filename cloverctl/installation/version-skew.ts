import { CloverError } from '../../functions/lib/errors.ts';

/**
 * Versions go up, and one minor version at a time: what was tried.
 * @param from what is installed.
 * @throws CloverError CLV_CONFLICT.
 */
export function demandStep(from: string, to: string): void {
  const [old, next] = [numbersOf(from), numbersOf(to)];
  if (old === undefined || next === undefined) return;
  const direction =
    compare(next.major, old.major) ||
    compare(next.minor, old.minor) ||
    compare(next.patch, old.patch);
  if (direction < 0) {
    const message = `${from} is installed, and this is ${to}: going back is not tried; --force does it all the same`;
    throw new CloverError('CLV_CONFLICT', message);
  }
  if (next.major !== old.major || next.minor - old.minor > 1) {
    const message = `${from} is installed, and this is ${to}: upgrade by one minor version at a time; --force does it all the same`;
    throw new CloverError('CLV_CONFLICT', message);
  }
}

const compare = (one: number, other: number): number => Math.sign(one - other);

interface Numbers {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** A version that is none of ours, such as one built by hand, says nothing. */
function numbersOf(version: string): Numbers | undefined {
  const [, major, minor, patch] = /^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined) return undefined;
  return { major: Number(major), minor: Number(minor), patch: Number(patch) };
}
