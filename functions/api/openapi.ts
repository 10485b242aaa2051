import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import { kinds } from '../../knative/resources/kinds.ts';
import { errorCatalogue } from '../lib/error-catalogue.ts';
import type { ErrorCode } from '../lib/errors.ts';
import {
  schemaCollector,
  type JsonSchema,
  type SchemaCollector,
  type SchemaMember,
} from './json-schemas.ts';
import {
  commonErrors,
  type AnswerContract,
  type Operation,
  type ShownSchema,
} from './operation.ts';
import { etag } from './operations/parameters.ts';
import { kindSchemas } from './schemas/objects.ts';
import { problem } from './schemas/problem.ts';

/** A part of an OpenAPI document. */
export type OpenApiNode = Readonly<Record<string, unknown>>;

/** An OpenAPI 3.1 document, as far as its readers here look into it. */
export interface OpenApiDocument extends OpenApiNode {
  readonly openapi: '3.1.0';
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiNode>>>>;
  readonly components: OpenApiNode & { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

/** What a document is about. */
export interface OpenApiOptions {
  readonly operations: readonly Operation[];
  /** Of Clover. */
  readonly version: string;
}

/** The other tags are kinds. */
const tagDescriptions: Readonly<Record<string, string>> = {
  Broker: 'Events, and those that could not be delivered.',
  Discovery: "What Kubernetes' tools ask for first.",
  Host: 'The process itself.',
  Questions: 'What was seen: requests, evidence, looks and counters.',
  Records: 'What happened to objects.',
};

const schemasOfKinds = new Map(kinds.map((info) => [info.kind, kindSchemas(info)]));

function schemaOf(schema: z.ZodType | ShownSchema): z.ZodType {
  if (schema instanceof z.ZodType) return schema;
  const { kind, form } = schema;
  return schemasOfKinds.get(kind)?.[form] ?? z.unknown();
}

/** Makes the OpenAPI 3.1 document of the operations. */
export function openApiDocument({ operations, version }: OpenApiOptions): OpenApiDocument {
  const schemas = schemaCollector();
  const paths = Object.fromEntries(
    [...Map.groupBy(operations, ({ path }) => path)].map(([path, served]) => [
      path,
      Object.fromEntries(
        served.map((operation) => [operation.method, operationNode(operation, schemas)]),
      ),
    ]),
  );
  const tags = [...new Set(operations.map(({ tag }) => tag))].map((name) => ({
    name,
    description: tagDescriptions[name] ?? `Objects of kind ${name}.`,
  }));
  return {
    openapi: '3.1.0',
    info: {
      title: 'Clover',
      version,
      summary: 'The control plane over HTTP.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }],
    tags,
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: schemas.components(),
    },
  };
}

/** The statuses of the errors that an operation may answer with, and their codes. */
export function errorsOf({
  errors,
  open = false,
  needs,
}: Operation): ReadonlyMap<number, ErrorCode[]> {
  const codes = [...new Set<ErrorCode>([...commonErrors, ...errors])]
    .filter((code) => !(open && code === 'CLV_UNAUTHORIZED'))
    .filter((code) => !(needs === 'nothing' && code === 'CLV_FORBIDDEN'))
    .sort();
  return new Map(
    [...Map.groupBy(codes, (code): number => errorCatalogue[code].status)].sort(
      ([a], [b]) => a - b,
    ),
  );
}

function operationNode(operation: Operation, schemas: SchemaCollector): OpenApiNode {
  const { id, tag, summary, description, body, example, open = false } = operation;
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(open ? { security: [] } : {}),
    parameters: parameterNodes(operation, schemas),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: body.required,
            description: `At most ${body.bytes} bytes.`,
            content: Object.fromEntries(
              body.mediaTypes.map((mediaType) => [
                mediaType,
                mediaType.includes('*')
                  ? {}
                  : {
                      schema: schemas.of(schemaOf(body.documented ?? body.schema), 'input'),
                      ...(example.body === undefined ? {} : { example: example.body }),
                    },
              ]),
            ),
          },
        }),
    responses: responseNodes(operation, schemas),
  };
}

function parameterNodes(operation: Operation, schemas: SchemaCollector): readonly OpenApiNode[] {
  const { params, query, headers = [], example } = operation;
  const values = { path: example.params, query: example.query };
  const placed = (place: 'path' | 'query', { name, required, schema }: SchemaMember) => {
    const { description, ...rest } = schema;
    const shown = values[place]?.[name];
    return {
      name,
      in: place,
      ...(place === 'path' || required ? { required: true } : {}),
      ...(description === undefined ? {} : { description }),
      schema: rest,
      ...(shown === undefined ? {} : { example: exampleOf(rest, shown) }),
    };
  };
  return [
    ...schemas.members(params).map((member) => placed('path', member)),
    ...schemas.members(query).map((member) => placed('query', member)),
    ...headers.map(({ name, description }) => ({
      name,
      in: 'header',
      description,
      schema: { type: 'string' },
    })),
  ];
}

/** Examples are written as they stand in an address; the document has them as values of the schema. */
function exampleOf({ type }: JsonSchema, text: string): unknown {
  if (type === 'integer' || type === 'number') return Number(text);
  return type === 'boolean' ? text === 'true' : text;
}

function responseNodes(operation: Operation, schemas: SchemaCollector): OpenApiNode {
  const problemContent = {
    'application/problem+json': { schema: schemas.of(problem, 'output') },
  };
  const { method, answers } = operation;
  const nodes = new Map<string, OpenApiNode>();
  for (const answer of answers) nodes.set(String(answer.status), answerNode(answer, schemas));
  if (method === 'get' && answers.some(({ headers = [] }) => headers.includes(etag))) {
    nodes.set('304', { description: 'It is as `If-None-Match` knows it.' });
  }
  for (const [status, codes] of errorsOf(operation)) {
    const shown = codes.map((code) => `\`${code}\``).join(', ');
    const description = `${STATUS_CODES[status] ?? 'Error'}: ${shown}`;
    nodes.set(String(status), { description, content: problemContent });
  }
  nodes.set('default', { description: 'Any other error.', content: problemContent });
  return Object.fromEntries(nodes);
}

function answerNode(
  { description, content, headers = [] }: AnswerContract,
  schemas: SchemaCollector,
): OpenApiNode {
  return {
    description,
    ...(headers.length === 0
      ? {}
      : {
          headers: Object.fromEntries(
            headers.map((header) => [
              header.name,
              { description: header.description, schema: { type: 'string' } },
            ]),
          ),
        }),
    ...(content.length === 0
      ? {}
      : {
          content: Object.fromEntries(
            content.map(({ mediaType, schema }) => [
              mediaType,
              { schema: schemas.of(schemaOf(schema), 'output') },
            ]),
          ),
        }),
  };
}
