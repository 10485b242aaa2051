import test from 'ava';
import { customResourceDefinition, documentSchema, resourceSchema } from '../../knative/crd.ts';
import { kinds } from '../../knative/resources/kinds.ts';
import { structuralSchema, type StructuralSchema } from '../../knative/structural-schema.ts';
import { z } from 'zod';
import { columnsOf } from '../../cloverctl/output/columns.ts';

function nodes(schema: StructuralSchema): StructuralSchema[] {
  const { items, additionalProperties, properties = {} } = schema;
  const inner = [items, additionalProperties, ...Object.values(properties)];
  return [schema, ...inner.flatMap((each) => (each === undefined ? [] : nodes(each)))];
}

for (const { kind, columns } of kinds) {
  const definition = customResourceDefinition(kind);
  const [version] = definition.spec.versions;

  test(`the definition of ${kind} says nothing that Kubernetes does not know`, (t) => {
    const schema = version?.schema.openAPIV3Schema;
    t.truthy(schema);
    for (const node of schema === undefined ? [] : nodes(schema)) t.false('must' in node);
    t.is(definition.metadata.name, `${definition.spec.names.plural}.clover.dev`);
    t.deepEqual(definition.spec.names.categories, ['clover']);
    t.deepEqual(version?.subresources, { status: {} });
  });

  test(`documents and objects of ${kind} have one schema of the spec`, (t) => {
    t.deepEqual(
      documentSchema(kind).properties?.['spec'],
      resourceSchema(kind).properties?.['spec'],
    );
  });

  test(`every column of kubectl for ${kind} is one of cloverctl, in its order`, (t) => {
    const options = { wide: true, namespaces: false, now: () => 0 };
    const own = columnsOf(kind, options).map(({ head }) => head);
    const shown = ['NAME', ...columns.map(({ name }) => name.toUpperCase()), 'AGE'];
    t.deepEqual(
      own.filter((head) => shown.includes(head)),
      shown,
    );
  });

  test(`the keys of lists of ${kind} that are maps are required or have a default`, (t) => {
    for (const node of nodes(resourceSchema(kind))) {
      for (const key of node['x-kubernetes-list-map-keys'] ?? []) {
        const { properties = {}, required = [] } = node.items ?? {};
        t.true(required.includes(key) || properties[key]?.default !== undefined, key);
      }
    }
  });
}

test('a choice of schemas has no structural form', (t) => {
  t.throws(() => structuralSchema(z.union([z.string(), z.int()])), { instanceOf: z.ZodError });
  t.throws(() => structuralSchema(z.object({ a: z.string().nullable() })), {
    instanceOf: z.ZodError,
  });
});

test('constants are choices of one, and whole numbers have the smaller format that holds them', (t) => {
  const schema = structuralSchema(
    z.strictObject({ a: z.literal('x').default('x'), b: z.int().min(0).max(9), c: z.int() }),
  );
  t.deepEqual(schema.properties?.['a'], { type: 'string', default: 'x', enum: ['x'] });
  t.is(schema.properties?.['b']?.format, 'int32');
  t.is(schema.properties?.['c']?.format, 'int64');
  t.deepEqual(schema.required, ['b', 'c']);
});
