import test from 'ava';
import { findField } from '../../../cloverctl/explain/find-field.ts';
import { explanation } from '../../../cloverctl/explain/lines.ts';
import { resourceSchema } from '../../../knative/crd.ts';
import { kinds } from '../../../knative/resources/kinds.ts';
import type { StructuralSchema } from '../../../knative/structural-schema.ts';

/** Every field of a schema with its path, through lists and maps. */
function* fields(
  schema: StructuralSchema,
  path: readonly string[] = [],
): Generator<readonly [readonly string[], StructuralSchema]> {
  const inner = schema.items ?? schema.additionalProperties;
  if (inner !== undefined) yield* fields(inner, path);
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    yield [[...path, name], field];
    yield* fields(field, [...path, name]);
  }
}

test('every field of every kind is found by its path, and its explanation holds all that its schema says', (t) => {
  for (const { kind } of kinds) {
    const root = resourceSchema(kind);
    for (const [path, schema] of fields(root)) {
      const found = findField(root, kind, path);
      t.is(found.schema, schema, path.join('.'));
      const text = explanation(found, false).join(' ').replaceAll(/\s+/g, ' ');
      const { description = '', minimum, maximum, maxLength, minItems, maxItems } = schema;
      const told = [
        ...description.split(/\s+/),
        ...[minimum, maximum, maxLength, minItems, maxItems]
          .filter(
            (bound) =>
              bound !== undefined && Number.isFinite(bound) && Math.abs(bound) < 2 ** 53 - 1,
          )
          .map(String),
        ...(schema.default === undefined ? [] : [JSON.stringify(schema.default)]),
        ...(schema.enum ?? []).map((choice) => JSON.stringify(choice)),
        ...(schema['x-kubernetes-validations'] ?? []).map(({ message }) => message),
        ...Object.keys(schema.properties ?? {}),
      ];
      for (const words of told) t.true(text.includes(words), `${path.join('.')}: ${words}`);
      const tree = explanation(found, true).map((line) => line.trim());
      for (const [below] of fields(schema)) {
        t.true(
          tree.some((line) => line.startsWith(`${below.at(-1) ?? ''} <`)),
          path.join('.'),
        );
      }
    }
  }
});

test('indexes may stand in a path, and an unknown field is told with what was meant', (t) => {
  const root = resourceSchema('TrafficPolicy');
  t.is(findField(root, 'tp', ['spec', 'rules[0]', 'split[]', 'weight']).required, true);
  for (const [path, said] of [
    ['spec.rulez', 'tp.spec has no field "rulez": did you mean "rules"?'],
    [
      'spec.rules.split.weihgt',
      'tp.spec.rules.split has no field "weihgt": did you mean "weight"?',
    ],
    ['spec.target.port.x', 'tp.spec.target.port has no field "x": it has none'],
    ['spec.target.zzzzz', /fields are .*host/],
    ['spec.__proto__', /has no field "__proto__"/],
    ['spec.', /has no field ""/],
  ] as const) {
    t.throws(() => findField(root, 'tp', path.split('.')), {
      code: 'CLV_ARGUMENT_INVALID',
      message: said,
    });
  }
  t.throws(
    () => findField(resourceSchema('Tap'), 'tap', ['spec', 'selector', 'matchLabels', 'app']),
    {
      message: /its keys are free/,
    },
  );
});
