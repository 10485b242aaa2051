/** What begins a line of a guest for its host. */
const marks = { passed: 'clover: passed ', failed: 'clover: FAILED ' } as const;

/** One check that a guest did. */
export interface Check {
  readonly passed: boolean;
  /** What it shows; where it failed, and why. */
  readonly text: string;
}

/** In the guest: does a check, and says on the console what came of it. */
export async function report(title: string, check: () => Promise<void> | void): Promise<void> {
  try {
    await check();
    process.stdout.write(`${marks.passed}${title}\n`);
  } catch (error) {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stdout.write(`${marks.failed}${title}: ${why.replaceAll('\n', ' ')}\n`);
  }
}

/** On the host: the checks that a console tells of. */
export function checksOf(console: readonly string[]): Check[] {
  return console.flatMap((line) =>
    Object.values(marks).flatMap((mark) => {
      const at = line.indexOf(mark);
      return at < 0
        ? []
        : [{ passed: mark === marks.passed, text: line.slice(at + mark.length).trimEnd() }];
    }),
  );
}
