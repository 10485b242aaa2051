import type { Screen } from '../../../cloverctl/demo/screen.ts';

/** Where something goes on beside the story. */
export interface Beside {
  readonly screen: Pick<Screen, 'note'>;
  readonly signal: AbortSignal;
}

/** Hears lines while the story goes on. Their end does not end it: it is told, unless it was wished. */
export async function hearBeside(
  lines: AsyncIterable<string, void, void>,
  hear: (line: string) => void,
  { screen, signal }: Beside,
): Promise<void> {
  try {
    for await (const line of lines) hear(line);
  } catch (error) {
    if (!signal.aborted) screen.note(error instanceof Error ? error.message : String(error));
  }
}

/** Passes on the lines of a table that say something new but for the age, which is its last column. */
export function onChange(hear: (line: string) => void): (line: string) => void {
  const said = new Map<string, string>();
  return (line) => {
    const news = line.replace(/\s+\S+\s*$/, '');
    const [name = ''] = line.split(/\s/);
    if (said.get(name) !== news) hear(line);
    said.set(name, news);
  };
}
