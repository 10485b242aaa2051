import { InvalidArgumentError, Option } from 'commander';
import { CloverError } from '../../functions/lib/errors.ts';
import { customColumns } from './custom-columns.ts';
import type { Template } from './json-path/nodes.ts';
import { parseTemplate } from './json-path/parse.ts';
import { sortBy } from './sort-by.ts';
import type { Column } from './table.ts';

/** How objects are shown. */
export type Form =
  | { readonly kind: 'custom-columns'; readonly columns: readonly Column<unknown>[] }
  | { readonly kind: 'json' | 'name' | 'table' | 'wide' | 'yaml' }
  | { readonly kind: 'jsonpath'; readonly template: Template };

const words = ['table', 'wide', 'yaml', 'json', 'name'] as const;

/** `-o` of commands that show objects, with templates. */
export function formOption(): Option {
  // The choices are for the help and for completion; the parser knows what follows them.
  return new Option('-o, --output <form>', 'form of the output')
    .choices([...words, 'jsonpath=', 'custom-columns='])
    .argParser((text: string) => refusing(() => formOf(text)))
    .default({ kind: 'table' } satisfies Form, 'table');
}

/** `--sort-by`. */
export function sortOption(): Option {
  return new Option('--sort-by <path>', 'order of the objects, such as .metadata.name').argParser(
    (text: string) => refusing(() => sortBy(text)),
  );
}

/** The chosen form; `--json` stands over `-o`. */
export function chosenForm({
  json,
  output,
}: {
  readonly json?: boolean;
  readonly output: Form;
}): Form {
  return json === true ? { kind: 'json' } : output;
}

function formOf(text: string): Form {
  const word = words.find((each) => each === text);
  if (word !== undefined) return { kind: word };
  const [, name, rest = ''] = /^(jsonpath|custom-columns)(?:=(.*))?$/s.exec(text) ?? [];
  if (name === undefined) {
    const all = [...words, 'jsonpath=TEMPLATE', 'custom-columns=HEAD:PATH,…'].join(', ');
    throw new CloverError('CLV_ARGUMENT_INVALID', `Allowed choices are ${all}.`);
  }
  if (rest === '') {
    const example = name === 'jsonpath' ? "'{.metadata.name}'" : 'NAME:.metadata.name';
    throw new CloverError('CLV_ARGUMENT_INVALID', `It needs more, such as ${name}=${example}.`);
  }
  return name === 'jsonpath'
    ? { kind: name, template: parseTemplate(rest) }
    : { kind: 'custom-columns', columns: customColumns(rest) };
}

function refusing<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof CloverError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}
