import { z } from 'zod';
import { canonicalJson } from '../lib/canonical-json.ts';
import { isList, isRecord } from '../lib/plain-value.ts';

/** A JSON Schema (2020-12). */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A member of an object's schema. */
export interface SchemaMember {
  readonly name: string;
  readonly required: boolean;
  readonly schema: JsonSchema;
}

/** Turns zod's schemas into those of one OpenAPI document; those with an id become components. */
export interface SchemaCollector {
  /** As `input` a value that may be sent; as `output` one that is answered, with room to grow. */
  of(schema: z.ZodType, io: 'input' | 'output'): JsonSchema;
  /** The members of an object's schema, as parameters: what is read from them, required if it has to be sent. */
  members(schema: z.ZodType): readonly SchemaMember[];
  components(): Readonly<Record<string, JsonSchema>>;
}

const record = z.record(z.string(), z.unknown());
const wrapped = z.looseObject({
  properties: z.object({ value: record }),
  $defs: z.record(z.string(), record).default({}),
});
const object = z.looseObject({
  properties: z.record(z.string(), record).default({}),
  required: z.array(z.string()).default([]),
});

/** Collects schemas; @throws Error when two different ones have the same id. */
export function schemaCollector(): SchemaCollector {
  const components = new Map<string, JsonSchema>();

  const add = (id: string, schema: JsonSchema): void => {
    const known = components.get(id);
    if (known !== undefined && canonicalJson(known) !== canonicalJson(schema)) {
      throw new Error(`two schemas have the id ${id}`);
    }
    components.set(id, schema);
  };

  const convert = (schema: z.ZodType, io: 'input' | 'output'): JsonSchema => {
    // In an object, so that a schema with an id is referred to like any other.
    const text = z.toJSONSchema(z.object({ value: schema }), { io, unrepresentable: 'any' });
    const { properties, $defs } = wrapped.parse(text);
    for (const [id, definition] of Object.entries($defs)) add(id, forOpenApi(definition, io));
    return forOpenApi(properties.value, io);
  };

  return {
    of: convert,
    members: (schema) => {
      const { properties } = object.parse(convert(schema, 'output'));
      const { required } = object.parse(convert(schema, 'input'));
      return Object.entries(properties).map(([name, member]) => ({
        name,
        required: required.includes(name),
        schema: member,
      }));
    },
    components: () => Object.fromEntries([...components].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/**
 * References point to the components; what is answered may get further members one day. `must`, the words of our own
 * rules, is no keyword of JSON Schema; a member that has this name is.
 */
function forOpenApi(schema: JsonSchema, io: 'input' | 'output'): JsonSchema {
  const entries = Object.entries(schema).flatMap(([key, value]): [string, unknown][] => {
    if (key === '$ref') return [[key, String(value).replace('#/$defs/', '#/components/schemas/')]];
    if (io === 'output' && key === 'additionalProperties' && value === false) return [];
    if (key === 'must') return [];
    if (key === 'properties' && isRecord(value)) return [[key, eachMember(value, io)]];
    return [[key, inner(value, io)]];
  });
  return Object.fromEntries(entries);
}

function eachMember(members: JsonSchema, io: 'input' | 'output'): JsonSchema {
  return Object.fromEntries(Object.entries(members).map(([name, of]) => [name, inner(of, io)]));
}

function inner(value: unknown, io: 'input' | 'output'): unknown {
  if (isList(value)) return value.map((item) => inner(item, io));
  return isRecord(value) ? forOpenApi(value, io) : value;
}
