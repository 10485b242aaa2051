import { InvalidArgumentError, Option } from 'commander';
import { CloverError } from '../../functions/lib/errors.ts';
import type { CliEnv } from '../env.ts';
import type { Template } from './json-path/nodes.ts';
import { parseTemplate } from './json-path/parse.ts';
import { render } from './json-path/render.ts';
import { writeJson, writeLines, writeYaml } from './print.ts';
import { writeText } from './write-text.ts';

/** How a command shows what it did or found; `text` is for people, all else is made of one document. */
export type ResultForm =
  | { readonly kind: 'json' | 'name' | 'text' | 'yaml' }
  | { readonly kind: 'jsonpath'; readonly template: Template };

/** Options of a command that shows results. */
export interface ResultOptions {
  readonly json?: boolean;
  readonly output?: ResultForm;
}

type Word = 'json' | 'jsonpath=' | 'name' | 'yaml';

/** `-o` of commands whose output is for people unless it is asked for. */
export function resultOption(
  words: readonly Word[] = ['json', 'yaml', 'name', 'jsonpath='],
): Option {
  return new Option('-o, --output <form>', 'form of the output, in place of one for people')
    .choices(words)
    .argParser((text: string): ResultForm => formOf(text, words));
}

/** The chosen form; `--json` stands over `-o`. */
export function resultForm({ json, output }: ResultOptions): ResultForm {
  return json === true ? { kind: 'json' } : (output ?? { kind: 'text' });
}

/**
 * Writes a result in a form that is not for people.
 * @param whole The document of `--json`.
 * @param names What `-o name` shows.
 */
export async function writeResult(
  env: CliEnv,
  form: ResultForm,
  whole: unknown,
  names: readonly string[] = [],
): Promise<void> {
  if (form.kind === 'json') writeJson(env, whole);
  if (form.kind === 'yaml') await writeYaml(env, whole);
  if (form.kind === 'name') writeLines(env, names);
  if (form.kind === 'jsonpath') writeText(env, render(form.template, whole));
}

function formOf(text: string, words: readonly Word[]): ResultForm {
  const template = /^jsonpath=(.+)$/s.exec(text)?.[1];
  const word = words.find((each) => each === text);
  if (template !== undefined && words.includes('jsonpath=')) {
    return { kind: 'jsonpath', template: parsed(template) };
  }
  if (word !== undefined && word !== 'jsonpath=') return { kind: word };
  const all = words.map((each) => (each === 'jsonpath=' ? 'jsonpath=TEMPLATE' : each));
  throw new InvalidArgumentError(`Allowed choices are ${all.join(', ')}.`);
}

function parsed(text: string): Template {
  try {
    return parseTemplate(text);
  } catch (error) {
    if (error instanceof CloverError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}
