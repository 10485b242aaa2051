import type { StructuralSchema } from '../../knative/structural-schema.ts';
import { factsOf, typeText } from './facts.ts';
import { elementOf, type FoundField } from './find-field.ts';

const widest = 100;

/** What `explain` says of a field: its type, its description and its fields, as kubectl does. */
export function explanation({ name, schema, required }: FoundField, recursive: boolean): string[] {
  const fields = elementOf(schema);
  const description = [
    ...(schema.description === undefined ? [] : wrap(schema.description)),
    ...factsOf(schema),
    // The elements of a list have words and rules of their own.
    ...(fields === schema || fields.properties === undefined
      ? []
      : [...wrap(fields.description ?? ''), ...factsOf(fields)]),
  ];
  return [
    ...(name === undefined ? [] : [`FIELD:    ${head(name, schema, required)}`, '']),
    'DESCRIPTION:',
    ...indent(description.length === 0 ? ['<empty>'] : description, 4),
    ...(fields.properties === undefined
      ? []
      : ['', 'FIELDS:', ...(recursive ? tree(fields, 2) : list(fields))]),
  ];
}

function list(schema: StructuralSchema): string[] {
  const lines: string[] = [];
  for (const [name, inner, required] of entries(schema)) {
    lines.push(`  ${head(name, inner, required)}`);
    lines.push(...indent([...wrap(inner.description ?? ''), ...factsOf(inner)], 4), '');
  }
  return lines;
}

function tree(schema: StructuralSchema, depth: number): string[] {
  const lines: string[] = [];
  for (const [name, inner, required] of entries(schema)) {
    lines.push(`${' '.repeat(depth)}${head(name, inner, required)}`);
    lines.push(...tree(elementOf(inner), depth + 2));
  }
  return lines;
}

function entries({
  properties = {},
  required = [],
}: StructuralSchema): readonly (readonly [string, StructuralSchema, boolean])[] {
  return Object.entries(properties).map(([name, inner]) => [name, inner, required.includes(name)]);
}

function head(name: string, schema: StructuralSchema, required: boolean): string {
  return `${name} <${typeText(schema)}>${required ? ' -required-' : ''}`;
}

function indent(lines: readonly string[], by: number): string[] {
  return lines.map((line) => `${' '.repeat(by)}${line}`);
}

function wrap(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < widest - 4) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines;
}
