/** What a colour says. */
export type Tone = 'bad' | 'doubtful' | 'good';

const codes: Readonly<Record<Tone, number>> = { bad: 31, doubtful: 33, good: 32 };

/** A text in the colour of what it says. */
export function coloured(text: string, tone: Tone): string {
  return `\u001B[${codes[tone]}m${text}\u001B[39m`;
}

/** When there are colours, for the end of the help. */
export const colourHelp = `
Colours are there by the first of these that is given:
  --color always|never, NO_COLOR (none), FORCE_COLOR (0: none), CLICOLOR_FORCE (not 0),
  else on a terminal, unless TERM is dumb or CLICOLOR is 0`;

/**
 * Whether a stream gets colours; {@link colourHelp} has the order. NO_COLOR, FORCE_COLOR, CLICOLOR and CLICOLOR_FORCE
 * are those of https://no-color.org, https://force-color.org and https://bixense.com/clicolors; an empty one is none.
 */
export function wantsColour(
  args: readonly string[],
  variables: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
): boolean {
  const asked = colourArgument(args);
  if (asked === 'always' || asked === 'never') return asked === 'always';
  const variable = (name: string): string => variables[name] ?? '';
  if (variable('NO_COLOR') !== '') return false;
  if (variable('FORCE_COLOR') !== '') return !['0', 'false'].includes(variable('FORCE_COLOR'));
  if (!['', '0'].includes(variable('CLICOLOR_FORCE'))) return true;
  return isTerminal && variable('TERM') !== 'dumb' && variable('CLICOLOR') !== '0';
}

/** The value of the last `--color`: errors of reading the options have their colour by it, too. */
function colourArgument(args: readonly string[]): string | undefined {
  const end = args.indexOf('--');
  return args
    .slice(0, end < 0 ? args.length : end)
    .flatMap((arg, index, all) => {
      if (arg.startsWith('--color=')) return [arg.slice('--color='.length)];
      return all[index - 1] === '--color' ? [arg] : [];
    })
    .at(-1);
}

const tones: ReadonlyMap<string, Tone> = new Map([
  ['FAIL', 'bad'],
  ['Failed', 'bad'],
  ['False', 'bad'],
  ['INCONCLUSIVE', 'doubtful'],
  ['INVALID', 'doubtful'],
  ['PASS', 'good'],
  ['RolledBack', 'doubtful'],
  ['RollingBack', 'doubtful'],
  ['Succeeded', 'good'],
  ['True', 'good'],
  ['Unknown', 'doubtful'],
  ['Warning', 'doubtful'],
]);

/**
 * The tone of a phase, a verdict, an event's type, or the status of a condition of which True is wished; undefined for
 * what goes on still.
 */
export function stateTone(word: string): Tone | undefined {
  return tones.get(word);
}
