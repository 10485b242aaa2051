import { CloverError } from '../../functions/lib/errors.ts';
import { nearest } from '../../functions/lib/nearest.ts';
import type { StructuralSchema } from '../../knative/structural-schema.ts';

/** A field of a kind, or the kind itself. */
export interface FoundField {
  /** Its own name; undefined for the kind itself. */
  readonly name?: string;
  readonly schema: StructuralSchema;
  readonly required: boolean;
}

/**
 * The field at a path such as `spec.rules.split`; indexes such as `rules[0]` may stand in it.
 * @param owner What the path begins at, for errors.
 * @throws CloverError CLV_ARGUMENT_INVALID for an unknown field, with what was probably meant.
 */
export function findField(
  root: StructuralSchema,
  owner: string,
  path: readonly string[],
): FoundField {
  let found: FoundField = { schema: root, required: false };
  let place = owner;
  for (const segment of path) {
    const name = segment.replace(/(?:\[\d*\])+$/, '');
    const { properties = {}, required = [] } = elementOf(found.schema);
    const schema = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (schema === undefined) throw unknownField(name, place, found.schema);
    found = { name, schema, required: required.includes(name) };
    place += `.${name}`;
  }
  return found;
}

/** What lists and maps hold, however deep: the fields of a path are those of their elements. */
export function elementOf(schema: StructuralSchema): StructuralSchema {
  const inner = schema.items ?? schema.additionalProperties;
  return inner === undefined ? schema : elementOf(inner);
}

function unknownField(name: string, place: string, schema: StructuralSchema): CloverError {
  const known = Object.keys(elementOf(schema).properties ?? {});
  const meant = nearest(name, known);
  const hint =
    schema.additionalProperties !== undefined
      ? 'its keys are free'
      : known.length === 0
        ? 'it has none'
        : meant === undefined
          ? `fields are ${known.join(', ')}`
          : `did you mean "${meant}"?`;
  return new CloverError('CLV_ARGUMENT_INVALID', `${place} has no field "${name}": ${hint}`);
}
