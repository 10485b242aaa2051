import { z } from 'zod';
import type { Rule } from './resources/rule.ts';

/**
 * A structural schema: what an API server takes as the schema of a kind.
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
 */
export interface StructuralSchema {
  readonly type: 'array' | 'boolean' | 'integer' | 'number' | 'object' | 'string';
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  /** What `pattern` asks, in words: not a part of what Kubernetes is given. */
  readonly must?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: StructuralSchema;
  readonly 'x-kubernetes-list-type'?: 'map' | 'set';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: 'atomic';
  readonly maxProperties?: number;
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly required?: readonly string[];
  /** Of a map: the schema of every value. */
  readonly additionalProperties?: StructuralSchema;
  readonly 'x-kubernetes-validations'?: readonly Rule[];
}

const keywords = {
  description: z.string().exactOptional(),
  default: z.unknown().exactOptional(),
  enum: z.array(z.unknown()).exactOptional(),
  format: z.string().exactOptional(),
  minimum: z.number().exactOptional(),
  maximum: z.number().exactOptional(),
  minLength: z.int().exactOptional(),
  maxLength: z.int().exactOptional(),
  pattern: z.string().exactOptional(),
  must: z.string().exactOptional(),
  minItems: z.int().exactOptional(),
  maxItems: z.int().exactOptional(),
  'x-kubernetes-list-type': z.enum(['map', 'set']).exactOptional(),
  'x-kubernetes-list-map-keys': z.array(z.string()).exactOptional(),
  maxProperties: z.int().exactOptional(),
  required: z.array(z.string()).exactOptional(),
  'x-kubernetes-validations': z
    .array(
      z.strictObject({
        rule: z.string(),
        message: z.string(),
        fieldPath: z.string().exactOptional(),
        reason: z.literal('FieldValueForbidden').exactOptional(),
      }),
    )
    .exactOptional(),
};

/** What zod may write for a resource. Anything else, above all a choice of schemas, has no structural form. */
const written = z.strictObject({
  type: z.enum(['array', 'boolean', 'integer', 'number', 'object', 'string']),
  ...keywords,
  const: z.unknown().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  additionalProperties: z.unknown().optional(),
  items: z.unknown().optional(),
  $schema: z.string().optional(),
  propertyNames: z.unknown().optional(),
});

/**
 * The structural form of a zod schema.
 * @throws z.ZodError when it has none, as a union has not.
 */
export function structuralSchema(schema: z.ZodType): StructuralSchema {
  return rewritten(z.toJSONSchema(schema, { io: 'input', reused: 'inline' }));
}

function rewritten(json: unknown): StructuralSchema {
  const {
    $schema: _,
    propertyNames: _names,
    const: only,
    properties,
    additionalProperties,
    items,
    ...node
  } = written.parse(json);
  return {
    ...node,
    ...(only !== undefined && { enum: [only] }),
    ...(node.type === 'integer' && { format: integerFormat(node) }),
    ...(items !== undefined && { items: rewritten(items) }),
    ...(properties !== undefined && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, inner]) => [name, rewritten(inner)]),
      ),
    }),
    // Beside properties, unknown fields are refused by fieldValidation=Strict and need no word here.
    ...(typeof additionalProperties === 'object' && {
      additionalProperties: rewritten(additionalProperties),
    }),
  };
}

function integerFormat({ minimum = -Infinity, maximum = Infinity }: Partial<StructuralSchema>) {
  return minimum >= -(2 ** 31) && maximum < 2 ** 31 ? 'int32' : 'int64';
}
