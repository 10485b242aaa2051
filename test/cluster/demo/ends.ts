/** What is to be done at the end of something that may end at any instant. */
export interface Ends {
  /** Adds one; where the end has come already, it is done at once. */
  add(end: () => unknown): Promise<void>;
  /** Does all of them, the last one first. */
  come(): Promise<void>;
}

/** Nothing is to be done yet. */
export function createEnds(): Ends {
  const ends: (() => unknown)[] = [];
  let come = false;
  return {
    async add(end) {
      if (come) await end();
      else ends.push(end);
    },
    async come() {
      come = true;
      for (const end of ends.splice(0).toReversed()) await end();
    },
  };
}
