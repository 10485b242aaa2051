import type { CliEnv } from '../env.ts';
import type { Form } from './forms.ts';
import { render } from './json-path/render.ts';
import { lookOf, writeLines } from './print.ts';
import { growingTable, type Column } from './table.ts';
import { writeText } from './write-text.ts';

/** One change of something that is watched. */
export interface Change<T> {
  readonly type: string;
  readonly object: T;
}

/** How changes are written. */
export interface ChangeLook<T> {
  readonly form: Form;
  /** Whether tables have a head. */
  readonly headers: boolean;
  /** What an object is called in the output of names. */
  readonly nameOf: (object: T) => string;
  /** Of a table of objects, wide or not; a first column says what happened. */
  readonly columns: (wide: boolean) => readonly Column<T>[];
}

/** Writes changes as they come, in the form that was chosen. */
export async function changeWriter<T>(
  env: CliEnv,
  { form, headers, nameOf, columns }: ChangeLook<T>,
): Promise<(change: Change<T>) => void> {
  if (form.kind === 'json') return (change) => writeText(env, `${JSON.stringify(change)}\n`);
  if (form.kind === 'yaml') {
    const { stringify } = await import('yaml');
    return ({ object }) => writeText(env, `---\n${stringify(object)}`);
  }
  if (form.kind === 'jsonpath') {
    return ({ object }) => writeText(env, render(form.template, object).replace(/\n?$/, '\n'));
  }
  if (form.kind === 'name') {
    return ({ type, object }) => writeLines(env, [`${type} ${nameOf(object)}`]);
  }
  const isWide = form.kind === 'wide';
  const shown: readonly Column<Change<T>>[] =
    form.kind === 'custom-columns'
      ? form.columns.map(ofObject)
      : [
          { head: 'EVENT', cell: ({ type }) => type, whole: true },
          ...columns(isWide).map((column) => ofObject(column)),
        ];
  const lines = growingTable<Change<T>>(shown, lookOf(env, { head: headers, wide: isWide }));
  return (change) => writeLines(env, lines(change));
}

function ofObject<T>(column: Column<T>): Column<Change<T>> {
  const { tone, ...rest } = column;
  return {
    ...rest,
    cell: ({ object }) => column.cell(object),
    ...(tone === undefined ? {} : { tone: (text, { object }) => tone(text, object) }),
  };
}
