import type { Argument, Command, Option } from 'commander';
import { resourceSchema } from '../../knative/crd.ts';
import { kinds, type Kind } from '../../knative/resources/kinds.ts';
import { elementOf, findField } from '../explain/find-field.ts';
import { kindByName } from '../kind-names.ts';

/** A word that may stand at the cursor. */
export interface Candidate {
  readonly value: string;
  readonly description?: string;
}

/** Names that only a control plane or a file knows. */
export type LiveNames =
  | { readonly of: 'contexts' | 'deadletters' | 'namespaces' | 'triggers' }
  | { readonly of: 'objects'; readonly kind: Kind };

/** What may stand at the cursor. */
export interface Wanted {
  readonly words: readonly Candidate[];
  /** Names that have to be asked for. */
  readonly live?: LiveNames;
  /** Left to the shell. */
  readonly paths?: 'files' | 'folders';
  /** What stands before each of the names in the same word: `tap/`, `--namespace=`. */
  readonly prefix: string;
  /** Words that stand there already, and are not offered again. */
  readonly taken: readonly string[];
  /** Values of options before the cursor, by their long name. */
  readonly options: ReadonlyMap<string, string>;
}

interface Place {
  readonly command: Command;
  readonly path: readonly string[];
  readonly operands: readonly string[];
  readonly options: ReadonlyMap<string, string>;
  /** Its value is at the cursor. */
  readonly open: Option | undefined;
  /** After `--` there are no options. */
  readonly literal: boolean;
}

const nothing = { words: [], prefix: '', taken: [] };

/** @param typed Words after `cloverctl`; the last is that at the cursor. */
export function wantedAt(program: Command, typed: readonly string[]): Wanted {
  const current = typed.at(-1) ?? '';
  if (typed[0] === 'help' && typed.length > 1) return helpAt(program, typed.slice(1));
  const place = placeOf(program, typed.slice(0, -1));
  const { command, open, options, literal } = place;
  if (open !== undefined) return { ...nothing, ...valuesOf(open), options };
  const [, flag, assigned] = /^(--[^=]+=)(.*)$/s.exec(current) ?? [];
  if (flag !== undefined && assigned !== undefined && !literal) {
    const option = optionOf(command, flag.slice(0, -1));
    if (option === undefined) return { ...nothing, options };
    return { ...nothing, ...valuesOf(option), prefix: flag, options };
  }
  if (current.startsWith('-') && !literal) return { ...nothing, words: flagsOf(command), options };
  if (command.commands.length > 0 && place.operands.length === 0) {
    const help = command === program ? [helpCommand] : [];
    return { ...nothing, words: [...commandsOf(command), ...help], options };
  }
  return { ...nothing, ...operandsAt(place, current), options };
}

const helpCommand: Candidate = { value: 'help', description: 'display help for command' };

/** Behind `help` there are commands, and nothing else. */
function helpAt(program: Command, typed: readonly string[]): Wanted {
  const { command, operands, options } = placeOf(program, typed.slice(0, -1));
  return { ...nothing, words: operands.length === 0 ? commandsOf(command) : [], options };
}

function placeOf(program: Command, before: readonly string[]): Place {
  let command = program;
  let open: Option | undefined;
  let literal = false;
  const path: string[] = [];
  const operands: string[] = [];
  const options = new Map<string, string>();
  for (const word of before) {
    if (open !== undefined) {
      options.set(open.name(), word);
      open = undefined;
    } else if (literal || !/^-./.test(word)) {
      const inner =
        operands.length === 0 ? command.commands.find((c) => c.name() === word) : undefined;
      if (inner === undefined) operands.push(word);
      else path.push((command = inner).name());
    } else if (word === '--') {
      literal = true;
    } else {
      const [name = '', value] = word.split(/=(.*)/s);
      const option = optionOf(command, name);
      if (value !== undefined && option !== undefined) options.set(option.name(), value);
      else if (option?.required === true) open = option;
    }
  }
  return { command, path, operands, options, open, literal };
}

/** The options of a command and of those around it, as the help lists them. */
function allOptions(command: Command): readonly Option[] {
  const around = command.parent === null ? [] : allOptions(command.parent);
  // A namespace is an option of some commands alone, and may stand before them.
  const inherited = around.filter(({ long }) => long !== '--namespace');
  return [...command.options, ...inherited].filter(({ hidden }) => !hidden);
}

const optionOf = (command: Command, flag: string): Option | undefined =>
  allOptions(command).find(({ long, short }) => flag === long || flag === short);

function flagsOf(command: Command): readonly Candidate[] {
  const own = allOptions(command).flatMap(({ long, short, description }) =>
    [long, short].flatMap((value) => (value == null ? [] : [{ value, description }])),
  );
  return [...own, { value: '--help', description: 'display help for command' }];
}

function commandsOf(command: Command): readonly Candidate[] {
  const shown = command.commands.filter((inner) => !inner.name().startsWith('__'));
  return shown.map((inner) => ({ value: inner.name(), description: inner.description() }));
}

/** What the value of an option may be: by its choices, else by the word in its `<…>`. */
function valuesOf(option: Option): Pick<Wanted, 'live' | 'paths' | 'words'> {
  if (option.argChoices !== undefined)
    return { words: option.argChoices.map((value) => ({ value })) };
  if (option.long === '--namespace') return { words: [], live: { of: 'namespaces' } };
  if (option.long === '--context') return { words: [], live: { of: 'contexts' } };
  if (option.long === '--trigger') return { words: [], live: { of: 'triggers' } };
  const [, word] = /[<[]([^>\]]+)[>\]]/.exec(option.flags) ?? [];
  if (word === 'file' || word === 'path') return { words: [], paths: 'files' };
  return word === 'folder' ? { words: [], paths: 'folders' } : { words: [] };
}

/** Commands whose operands are KIND NAME…, or KIND/NAME…. */
const ofObjects: ReadonlySet<string> = new Set(['delete', 'describe', 'edit', 'get', 'watch']);

/** Those of them that change objects. */
const changing: ReadonlySet<string> = new Set(['delete', 'edit']);

function operandsAt(place: Place, current: string): Partial<Wanted> {
  const { command, path, operands } = place;
  const [name = ''] = path;
  if (ofObjects.has(name)) return objectsAt(name, operands, current);
  if (name === 'explain') return operands.length === 0 ? fieldsAt(current) : {};
  if (name === 'looks') return operands.length === 0 ? namesOf('ExperimentRun') : {};
  if (name === 'deadletters') {
    const more = path[1] === 'show' ? operands.length === 0 : path[1] !== 'list';
    return more ? { live: { of: 'deadletters' }, taken: operands } : {};
  }
  if (name === 'trace') return operands.length === 0 ? { paths: 'files' } : {};
  if (name === 'config') return operands.length === 0 ? { live: { of: 'contexts' } } : {};
  const argument = argumentAt(command, operands.length);
  return { words: (argument?.argChoices ?? []).map((value) => ({ value })) };
}

/** Kinds, and behind a dot the fields of what stands before it. */
function fieldsAt(current: string): Partial<Wanted> {
  const [word = '', ...path] = current.split('.');
  const kind = kindOf(word);
  if (path.length === 0) return { words: kindWords() };
  if (kind === undefined) return {};
  try {
    const { schema } = findField(resourceSchema(kind), word, path.slice(0, -1));
    return {
      words: Object.keys(elementOf(schema).properties ?? {}).map((value) => ({ value })),
      prefix: current.slice(0, current.lastIndexOf('.') + 1),
    };
  } catch {
    return {};
  }
}

function argumentAt({ registeredArguments }: Command, index: number): Argument | undefined {
  const last = registeredArguments.at(-1);
  return registeredArguments[index] ?? (last?.variadic === true ? last : undefined);
}

function objectsAt(command: string, operands: readonly string[], current: string): Partial<Wanted> {
  const [first] = operands;
  const [word = '', name] = current.split('/');
  if (name !== undefined) {
    const kind = kindOf(word);
    return kind === undefined ? {} : { ...namesOf(kind), prefix: `${word}/`, taken: operands };
  }
  if (first === undefined) {
    const comma = current.lastIndexOf(',') + 1;
    if (comma > 0 && command === 'get') {
      const before = current.slice(0, comma);
      const taken = before.split(',').map((each) => before + pluralOf(each));
      return { words: kindWords(), prefix: before, taken };
    }
    const events = { value: 'events', description: 'what happened to objects' };
    const words = kindWords(changing.has(command));
    return { words: command === 'get' || command === 'watch' ? [...words, events] : words };
  }
  const kind = kindOf(first);
  return kind === undefined ? {} : { ...namesOf(kind), taken: operands.slice(1) };
}

const namesOf = (kind: Kind): Pick<Wanted, 'live'> => ({ live: { of: 'objects', kind } });

function kindOf(word: string): Kind | undefined {
  try {
    return kindByName(word).kind;
  } catch {
    return undefined;
  }
}

function pluralOf(word: string): string {
  const kind = kindOf(word);
  return kinds.find((info) => info.kind === kind)?.plural ?? word;
}

/** @param onlyWritable Without kinds that Clover alone writes. */
function kindWords(onlyWritable = false): readonly Candidate[] {
  const shown = kinds.filter(({ writable }) => writable || !onlyWritable);
  return shown.map(({ plural, kind }) => ({ value: plural, description: kind }));
}
