import fc from 'fast-check';
import { documentSchema } from '../../../knative/crd.ts';
import type { Kind } from '../../../knative/resources/kinds.ts';
import type { StructuralSchema } from '../../../knative/structural-schema.ts';
import { isList, isRecord } from '../../../functions/lib/plain-value.ts';

type Path = readonly (string | number)[];

/** Texts of a few kinds: those that fit a pattern of ours and those that nearly do. */
const words = fc.constantFrom('v1', 'v2', 'v3', 'proxy', 'a-b', 'x'.repeat(63), '7');
const nearWords = fc.constantFrom('V1', '-a', 'a-', '', 'a.b', 'x'.repeat(64), 'ä', '😀', ' ');
const durations = fc.constantFrom('0s', '1ms', '250ms', '30s', '5m', '8760h', '0h');
const nearDurations = fc.constantFrom('8761h', '9999999999999h', '1d', '-1s', '1.5s', '', '٣s');
const addresses = fc.oneof(
  fc.constantFrom('198.18.0.1', '2001:db8::2', '::', '::1', '1::', '::1.2.3.4', 'FE80::1'),
  fc.ipV4(),
  fc.ipV6().filter((text) => text.length <= 45),
);
const nearAddresses = fc.constantFrom(
  '1.2.3',
  '1.2.3.04',
  '1.2.3.256',
  '::ffff:1.2.3.4',
  '0:0:0:0:0:ffff:102:304',
  'fe80::1%eth0',
  '::ffff:0:0',
  '::fffe:1.2.3.4',
  '1::2::3',
  '12345::',
  'a.example',
  ':::',
  '1:2:3:4:5:6:7',
);

/** Values that fit a schema, or nearly: each part is odd once in a while, and rules of CEL are left to chance. */
export function valueOf(schema: StructuralSchema, oddity: number): fc.Arbitrary<unknown> {
  const fitting = fittingValue(schema, oddity);
  if (oddity === 0) return fitting;
  return fc.oneof(
    { weight: oddity, arbitrary: fitting },
    { weight: 1, arbitrary: oddValue(schema) },
  );
}

function fittingValue(schema: StructuralSchema, oddity: number): fc.Arbitrary<unknown> {
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return numberIn(schema, (minimum, maximum) => fc.integer({ min: minimum, max: maximum }));
    case 'number':
      return numberIn(schema, (min, max) => fc.double({ min, max, noNaN: true }));
    case 'string':
      return textOf(schema);
    case 'array':
      return fc.array(valueOf(schema.items ?? { type: 'string' }, oddity), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 4, 4),
      });
    default:
      return objectOf(schema, oddity);
  }
}

function numberIn(
  { minimum = -1_000, maximum = 1_000 }: StructuralSchema,
  anywhere: (minimum: number, maximum: number) => fc.Arbitrary<number>,
): fc.Arbitrary<number> {
  const low = Math.max(minimum, -1_000_000_000);
  const high = Math.min(maximum, 1_000_000_000);
  return fc.oneof(anywhere(low, high), fc.constantFrom(low, high));
}

function textOf(schema: StructuralSchema): fc.Arbitrary<string> {
  if (schema.pattern?.includes('ms|s|m|h') === true) return durations;
  if (schema['x-kubernetes-validations']?.some(({ rule }) => rule.includes('isIP')) === true) {
    return addresses;
  }
  return words;
}

function objectOf(schema: StructuralSchema, oddity: number): fc.Arbitrary<object> {
  const { properties, required = [], additionalProperties } = schema;
  if (properties === undefined) {
    const value = valueOf(additionalProperties ?? { type: 'string' }, oddity);
    return fc.dictionary(words, value, { maxKeys: 3 });
  }
  const fields = Object.entries(properties).map(([key, field]): [string, fc.Arbitrary<unknown>] => [
    key,
    valueOf(field, oddity),
  ]);
  return fc.record(Object.fromEntries(fields), { requiredKeys: [...required] });
}

const anything = fc.oneof(
  fc.constantFrom<unknown>(null, true, 0, -1, 1.5, 1e30, '', 'x', [], {}, [null], [[]], [{}], {
    a: null,
  }),
  fc.jsonValue({ maxDepth: 2 }),
);

/** A value that may or may not fit: just outside of a bound, of another type, or anything. */
function oddValue(schema: StructuralSchema): fc.Arbitrary<unknown> {
  const { minimum, maximum, maxItems, maxLength, items } = schema;
  const outside = [minimum, maximum].flatMap((bound) =>
    bound === undefined ? [] : [bound - 1, bound + 1, bound + 0.5],
  );
  return fc.oneof(
    anything,
    nearWords,
    nearDurations,
    nearAddresses,
    ...(outside.length > 0 ? [fc.constantFrom(...outside)] : []),
    ...(maxLength === undefined
      ? []
      : [fc.constantFrom('y'.repeat(maxLength + 1), '😀'.repeat(maxLength))]),
    ...(maxItems === undefined || items === undefined || maxItems > 64
      ? []
      : [fc.array(fittingValue(items, 0), { minLength: maxItems + 1, maxLength: maxItems + 1 })]),
  );
}

/** Documents of a kind, one part in `oddity` odd; 0: none. */
export function documentOf(kind: Kind, oddity: number): fc.Arbitrary<unknown> {
  return valueOf(documentSchema(kind), oddity);
}

/** The example with one place of it made odd, taken away, given twice, or with a field that is unknown. */
export function brokenOnce(example: unknown): fc.Arbitrary<unknown> {
  const places = placesOf(example);
  return fc
    .record({
      place: fc.constantFrom(...places),
      value: fc.oneof(
        anything,
        nearWords,
        nearDurations,
        nearAddresses,
        words,
        durations,
        addresses,
      ),
      how: fc.constantFrom('replace', 'remove', 'twice', 'unknown'),
    })
    .map(({ place, value, how }) => changed(example, place, value, how));
}

function placesOf(value: unknown, at: Path = []): Path[] {
  if (isList(value)) {
    return [at, ...value.flatMap((item, index) => placesOf(item, [...at, index]))];
  }
  if (!isRecord(value)) return [at];
  return [at, ...Object.entries(value).flatMap(([key, item]) => placesOf(item, [...at, key]))];
}

function changed(root: unknown, [key, ...rest]: Path, value: unknown, how: string): unknown {
  if (key === undefined)
    return how === 'unknown' && isRecord(root) ? { ...root, surprise: 1 } : value;
  if (isList(root)) {
    if (rest.length > 0 || how === 'replace' || how === 'unknown') {
      return root.map((item, index) => (index === key ? changed(item, rest, value, how) : item));
    }
    return how === 'twice'
      ? [...root, root[Number(key)]]
      : root.filter((_, index) => index !== key);
  }
  const entries = Object.entries(isRecord(root) ? root : {});
  if (rest.length === 0 && how === 'remove') {
    return Object.fromEntries(entries.filter(([name]) => name !== key));
  }
  return Object.fromEntries(
    entries.map(([name, inner]) => [name, name === key ? changed(inner, rest, value, how) : inner]),
  );
}

/** The document with a value at a path, which may be new. */
export function changedAt(
  root: unknown,
  [key, ...rest]: readonly string[],
  value: unknown,
): unknown {
  if (key === undefined) return value;
  if (isList(root)) {
    return root.map((item, index) => (index === Number(key) ? changedAt(item, rest, value) : item));
  }
  const entries = new Map(Object.entries(isRecord(root) ? root : {}));
  entries.set(key, changedAt(entries.get(key), rest, value));
  return Object.fromEntries(entries);
}
