/** Longest text that a function may make, in UTF-16 code units. */
export const maxText = 64 * 1024;

/**
 * Most work of one evaluation, in characters: what functions and LIKE read, and what functions make. Without it a short
 * expression multiplies a long attribute: each level of CONCAT by the number of its arguments.
 */
export const maxWork = 1024 * 1024;

/** Work that is left; evaluations may share it. */
export interface Work {
  left: number;
}

/** Work for one evaluation, or for all of one event that belong together. */
export function newWork(): Work {
  return { left: maxWork };
}

/** Takes from what is left; false when that was too little. */
export function spend(work: Work, characters: number): boolean {
  work.left -= characters;
  return work.left >= 0;
}
