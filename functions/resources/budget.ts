/** Steps that work may still take: what is used up is the same on every machine, other than time. */
export class Budget {
  #left: number;

  constructor(steps: number) {
    this.#left = steps;
  }

  /** Takes so many steps; false when they are no longer there. */
  spend(steps: number): boolean {
    this.#left -= steps;
    return this.#left >= 0;
  }
}
