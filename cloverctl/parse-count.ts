import { InvalidArgumentError } from 'commander';

/** Parser of an option or argument that is a number from 1. */
export function parseCount(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('must be a number from 1');
}
