import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import test from 'ava';
import { z } from 'zod';
import { openApiDocument, type OpenApiDocument } from '../../../functions/api/openapi.ts';
import { operation } from '../../../functions/api/operation.ts';
import { operations } from '../../../functions/api/operations.ts';
import { noParams, noQuery } from '../../../functions/api/operations/parameters.ts';
import { hostPaths } from '../../../functions/host/listener.ts';
import { startApi } from './server.ts';

const document = (): OpenApiDocument => openApiDocument({ operations, version: '1.2.3' });

const served = z.object({
  openapi: z.literal('3.1.0'),
  paths: z.record(z.string(), z.record(z.string(), z.object({ operationId: z.string() }))),
});

test('the document is valid OpenAPI 3.1, as its own schema says', async (t) => {
  const plain = z.record(z.string(), z.unknown()).parse(JSON.parse(JSON.stringify(document())));
  const result = await new Validator().validate(plain);
  t.true(result.valid, JSON.stringify('errors' in result ? result.errors : undefined));
});

test('the server gives out the document with every operation, and an ETag', async (t) => {
  const api = await startApi(t);
  const headers = { authorization: `Bearer ${api.token}` };
  const response = await fetch(new URL('/openapi.json', api.url), { headers });
  const { paths } = served.parse(await response.json());
  const ids = Object.values(paths).flatMap((at) => Object.values(at).map((o) => o.operationId));
  t.deepEqual(ids.sort(), operations.map(({ id }) => id).sort());
  t.is(new Set(ids).size, ids.length);
  const again = await fetch(new URL('/openapi.json', api.url), {
    headers: { ...headers, 'if-none-match': response.headers.get('etag') ?? '' },
  });
  t.is(again.status, 304);
});

test('every reference leads to a component, and every component is referred to', (t) => {
  const { components, paths } = document();
  const refs = [...JSON.stringify({ components, paths }).matchAll(/"\$ref":"([^"]+)"/g)].map(
    ([, ref = '']) => ref.replace('#/components/schemas/', ''),
  );
  t.deepEqual([...new Set(refs)].sort(), Object.keys(components.schemas).sort());
});

const answer = (schema: z.ZodType) => ({
  status: 200 as const,
  description: 'x',
  content: [{ mediaType: 'application/json', schema }],
});

test('two schemas with one name are refused', (t) => {
  const schema = z.object({ a: z.string().default('x') }).meta({ id: 'TestOfTwoSchemas' });
  const twice = operation({
    id: 'x',
    method: 'put',
    path: '/x',
    tag: 'x',
    summary: 'x',
    params: noParams,
    query: noQuery,
    body: { schema, bytes: 1, mediaTypes: ['application/json'], required: true },
    answers: [answer(schema)],
    errors: [],
    example: {},
  });
  const error = t.throws(() => openApiDocument({ operations: [twice], version: '1' }));
  t.regex(error.message, /TestOfTwoSchemas/);
});

test('every path of the host is in the document', (t) => {
  const documented = new Set(operations.map(({ path }) => path));
  t.deepEqual(
    hostPaths.filter((path) => !documented.has(path)),
    [],
  );
});

const withExample = z.object({ schema: z.record(z.string(), z.unknown()), example: z.unknown() });

/** Every part of a document that has a schema beside an example. */
function shown(value: unknown): z.output<typeof withExample>[] {
  if (typeof value !== 'object' || value === null) return [];
  const found = withExample.safeParse(value);
  const own = found.success && 'example' in value ? [found.data] : [];
  return [...own, ...Object.values(value).flatMap(shown)];
}

test('schemas have no keyword of our own, and every example fits its schema', (t) => {
  const { components, paths, tags } = document();
  const examples = shown(paths);
  t.true(examples.length > 10);
  const extensions = new Set(JSON.stringify(components).match(/(?<=")x-[\w-]+(?=":)/g));
  for (const { schema, example } of examples) {
    // In strict mode a keyword that is none is an error.
    const ajv = new Ajv2020({ strictTypes: false, strictTuples: false, validateFormats: false });
    const compiled = ajv
      .addVocabulary(['components', 'example', ...extensions])
      .compile({ ...schema, components });
    t.true(compiled(example), JSON.stringify({ schema, example, errors: compiled.errors }));
  }
  const described = z.array(z.object({ name: z.string(), description: z.string().min(1) }));
  t.true(described.safeParse(tags).success);
});
