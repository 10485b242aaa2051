import test, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { createApi } from '../../../functions/api/function.ts';
import { openApiDocument } from '../../../functions/api/openapi.ts';
import type { Operation } from '../../../functions/api/operation.ts';
import { operations } from '../../../functions/api/operations.ts';
import { createBearerCheck } from '../../../functions/host/bearer.ts';
import { createHost } from '../../../functions/host/create-host.ts';
import { createRunner } from '../../../functions/host/runner.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import { isList, isRecord } from '../../../functions/lib/plain-value.ts';
import { createLocalStore } from '../../../functions/resources/local-store.ts';
import { entryOf, eventOf, silent } from '../host/helpers.ts';
import { createMemoryBroker } from './memory-broker.ts';
import { memoryRecords } from './memory-records.ts';
import { rows } from './server.ts';

const token = 'a-token-of-some-length';
const node = z.record(z.string(), z.unknown());
const jsonSchemas = z.record(
  z.string(),
  z.custom<z.core.JSONSchema.JSONSchema>((value) => node.safeParse(value).success),
);
const documentShape = z.looseObject({
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.looseObject({
        responses: z.record(
          z.string(),
          z.looseObject({ content: z.record(z.string(), z.object({ schema: node })).optional() }),
        ),
      }),
    ),
  ),
  components: z.looseObject({ schemas: z.record(z.string(), node) }),
});

interface Control {
  readonly send: (operation: Operation, change?: Change) => Promise<Response>;
  readonly declares: (operation: Operation, status: number) => boolean;
  /** What is wrong with an answer by the document; nothing if it is as promised. */
  readonly breach: (operation: Operation, response: Response) => Promise<string | undefined>;
}

interface Change {
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly method?: string;
}

/** A real host with the API in it. */
async function startHost(t: ExecutionContext): Promise<Control> {
  const store = createLocalStore({ path: ':memory:', clock: systemClock });
  const records = await memoryRecords();
  const broker = createMemoryBroker();
  for (const trigger of ['a', 'a', 'b']) broker.bury(eventOf(), trigger);
  const experiment = { name: 'try-v2', uid: 'u', generation: 1 };
  await store.applySpec(
    {
      kind: 'ExperimentRun',
      metadata: { name: 'example', namespace: 'shop' },
      spec: {
        experiment,
        plan: { targetRef: { name: 'proxy' }, control: 'v1', variant: 'v2' },
      },
    },
    { manager: 'test' },
  );
  const api = createApi({
    resources: store,
    analytics: { red: async () => rows.red, storedArms: async () => rows.arms },
    evidence: { totals: async () => rows.totals, looks: async () => rows.looks },
    records,
    broker: async () => broker,
    status: async () => ({ broker: { depth: 0 } }),
    clock: systemClock,
    version: '1.2.3',
  });
  const runner = createRunner({
    functions: [api],
    catalogue: [entryOf('api', { paths: ['/apis', '/openapi.json', '/v1'] })],
    log: silent,
    emit: (event) => broker.publish(event),
  });
  const { publish } = broker;
  const host = createHost({
    runner,
    publish,
    isAuthorized: createBearerCheck(token),
    log: silent,
    drainGraceMs: 0,
  });
  const url = await host.listen({ host: '127.0.0.1', port: 0 });
  t.teardown(async () => {
    await host.drain();
    await runner.close();
    await host.close();
    await records.close();
    await store.close();
  });
  const authorization = `Bearer ${token}`;
  const answer = await fetch(`${url}/openapi.json`, { headers: { authorization } });
  const document = documentShape.parse(await answer.json());
  const defs = jsonSchemas.parse(closed(document.components.schemas));

  return {
    send: ({ path, method: own, example }, { headers = {}, query, method = own } = {}) => {
      const filled = path.replaceAll(
        /\{(\w+)\}/g,
        (_, name: string) => example.params?.[name] ?? '',
      );
      const asked = query ?? new URLSearchParams(example.query).toString();
      return fetch(`${url}${filled}?${asked}`, {
        method: method.toUpperCase(),
        headers: {
          authorization,
          ...(example.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...example.headers,
          ...headers,
        },
        ...(example.body === undefined ? {} : { body: JSON.stringify(example.body) }),
      });
    },
    declares: ({ path, method }, status) =>
      document.paths[path]?.[method]?.responses[String(status)] !== undefined,
    breach: async ({ path, method }, response) => {
      const declared = document.paths[path]?.[method]?.responses[String(response.status)];
      if (declared === undefined) return `the status ${response.status} is not declared`;
      const [type = ''] = (response.headers.get('content-type') ?? '').split(';');
      if (declared.content === undefined) {
        const body = await response.text();
        return body === '' ? undefined : `there should be no body, and there is ${body}`;
      }
      const schema = declared.content[type]?.schema;
      if (schema === undefined) return `the media type ${type} is not declared`;
      if (type === 'text/event-stream') {
        await response.body?.cancel();
        return undefined;
      }
      const parsed = z
        .fromJSONSchema({ ...node.parse(closed(schema)), $defs: defs })
        .safeParse(await response.json());
      return parsed.success ? undefined : parsed.error.message;
    },
  };
}

/** The schema as a test wants it: what is not said is not allowed. References become local ones. */
function closed(schema: unknown): unknown {
  if (isList(schema)) return schema.map(closed);
  if (!isRecord(schema)) return schema;
  const entries = Object.entries(schema).map(([key, value]): [string, unknown] => [
    key,
    key === '$ref' && typeof value === 'string'
      ? value.replace('#/components/schemas/', '#/$defs/')
      : closed(value),
  ]);
  const copy: Record<string, unknown> = Object.fromEntries(entries);
  const open = !('properties' in copy) || 'additionalProperties' in copy;
  return open ? copy : { ...copy, additionalProperties: false };
}

const rank = ({ method }: Operation): number => ({ put: 0, get: 1, post: 2, delete: 3 })[method];

test('every operation answers its example as the document says', async (t) => {
  const { send, breach } = await startHost(t);
  const inOrder = operations.toSorted((a, b) => rank(a) - rank(b));
  for (const operation of inOrder) {
    const response = await send(operation);
    t.is(await breach(operation, response), undefined, operation.id);
    const good = operation.answers.some(({ status }) => status === response.status);
    // That function is not deployed here, and metrics are off.
    t.true(
      good || ['invokeFunction', 'metrics'].includes(operation.id),
      `${operation.id}: ${response.status}`,
    );
  }
});

test('every refusal is a problem that the document declares', async (t) => {
  const { send, breach } = await startHost(t);
  const wrong: readonly { readonly status: number; readonly change: Change }[] = [
    { status: 401, change: { headers: { authorization: 'Bearer wrong' } } },
    { status: 406, change: { headers: { accept: 'image/png' } } },
    { status: 400, change: { query: 'unknown-parameter=1' } },
    { status: 414, change: { query: 'x'.repeat(9_000) } },
  ];
  for (const operation of operations.filter(({ tag }) => tag !== 'Host')) {
    for (const { status, change } of wrong) {
      const hasContent = operation.answers.some(({ content }) => content.length > 0);
      if (status === 406 && !hasContent) continue;
      const response = await send(operation, change);
      t.is(response.status, status, operation.id);
      t.is(response.headers.get('content-type'), 'application/problem+json');
      t.is(await breach(operation, response), undefined, operation.id);
    }
  }
});

test('304 is declared where an answer has an ETag, and nowhere else', async (t) => {
  const { send, declares } = await startHost(t);
  for (const operation of operations.toSorted((a, b) => rank(a) - rank(b))) {
    const response = await send(operation);
    const etag = response.headers.get('etag');
    await response.body?.cancel();
    if (operation.method !== 'get') {
      t.false(declares(operation, 304), operation.id);
      continue;
    }
    t.is(declares(operation, 304), etag !== null, operation.id);
    const again = await send(operation, { headers: { 'if-none-match': etag ?? '*' } });
    await again.body?.cancel();
    t.is(again.status === 304, etag !== null, operation.id);
  }
});

test('every parameter has a meaning, but for names in paths', (t) => {
  const shape = z.object({
    parameters: z.array(
      z.object({ name: z.string(), in: z.string(), description: z.string().optional() }),
    ),
  });
  const { paths } = openApiDocument({ operations, version: '1.2.3' });
  for (const { id, method, path } of operations) {
    for (const parameter of shape.parse(paths[path]?.[method]).parameters) {
      t.true(
        parameter.in === 'path' || parameter.description !== undefined,
        `${id}: ${parameter.name}`,
      );
    }
  }
});

test('every path has the methods that the document says, and no other', async (t) => {
  const { send } = await startHost(t);
  for (const [path, declared] of Map.groupBy(operations, (operation) => operation.path)) {
    const [first] = declared;
    if (first === undefined) continue;
    const { status, headers } = await send(first, { method: 'PATCH' });
    t.is(status, 405, path);
    const allowed = (headers.get('allow') ?? '').split(', ');
    t.deepEqual(
      allowed.filter((method) => !['HEAD', 'OPTIONS'].includes(method)).sort(),
      declared.map(({ method }) => method.toUpperCase()).sort(),
      path,
    );
  }
});
