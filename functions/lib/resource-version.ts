import { CloverError } from './errors.ts';
import { show } from './problem-words.ts';

/** @throws CloverError CLV_ARGUMENT_INVALID when a text is no resource version: those are decimal numbers. */
export function demandVersion(text: string): void {
  if (/^\d{1,15}$/.test(text)) return;
  const message = `found ${show(text)}; must be a number`;
  throw new CloverError('CLV_ARGUMENT_INVALID', `resourceVersion: ${message}`, {
    details: [{ field: 'resourceVersion', message }],
  });
}
