import test from 'ava';
import type { StructuralSchema } from '../../../../knative/structural-schema.ts';
import { isRecord } from '../../../../functions/lib/plain-value.ts';
import { withDefaults } from '../../../../functions/resources/schema/defaults.ts';

const schema: StructuralSchema = {
  type: 'object',
  properties: {
    watch: {
      type: 'object',
      default: { margin: 1 },
      properties: {
        margin: { type: 'number', default: 0.5 },
        duration: { type: 'string', default: '1m' },
      },
    },
    labels: { type: 'object', additionalProperties: { type: 'string' } },
    list: {
      type: 'array',
      items: { type: 'object', properties: { a: { type: 'integer', default: 7 } } },
    },
    plain: { type: 'string' },
  },
};

test('a default is filled in, and the defaults inside of it', (t) => {
  t.deepEqual(withDefaults(schema, {}), { watch: { margin: 1, duration: '1m' } });
  t.deepEqual(withDefaults(schema, { watch: {}, list: [{}, { a: 1 }] }), {
    watch: { margin: 0.5, duration: '1m' },
    list: [{ a: 7 }, { a: 1 }],
  });
});

test('null takes the default, or is dropped; in a list it stays, to be refused', (t) => {
  const given = { watch: null, plain: null, labels: { a: null, b: 'x' }, list: [null] };
  t.deepEqual(withDefaults(schema, given), {
    watch: { margin: 1, duration: '1m' },
    labels: { b: 'x' },
    list: [null],
  });
});

test('unknown fields, and keys such as __proto__, stay to be seen', (t) => {
  const given: unknown = JSON.parse('{"labels":{"__proto__":"x"},"surprise":{"a":1}}');
  const made = withDefaults(schema, given);
  t.is(
    JSON.stringify(made),
    '{"labels":{"__proto__":"x"},"surprise":{"a":1},"watch":{"margin":1,"duration":"1m"}}',
  );
});

test('one document never changes the defaults of the next', (t) => {
  const first = withDefaults(schema, {});
  t.true(isRecord(first) && isRecord(first['watch']));
  if (isRecord(first) && isRecord(first['watch'])) Object.assign(first['watch'], { margin: 9 });
  t.deepEqual(withDefaults(schema, {}), { watch: { margin: 1, duration: '1m' } });
});
