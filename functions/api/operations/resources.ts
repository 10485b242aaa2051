import { z } from 'zod';
import { kinds, type KindInfo } from '../../../knative/resources/kinds.ts';
import { apiVersion } from '../../../knative/resources/meta.ts';
import { eventStreamType } from '../event-stream.ts';
import { operation, type Operation, type ShownSchema } from '../operation.ts';
import { documentExamples } from './examples.ts';
import {
  checkWatch,
  etag,
  largestPage,
  nameInPath,
  nextPage,
  noParams,
  noQuery,
  watchAnswers,
  watchHeaders,
  watchParameters,
  wholeNumber,
} from './parameters.ts';

/** Path of everything in Clover's API group and version. */
export const resourceRoot = `/apis/${apiVersion}` as const;

const selector = z.string().max(4096);

const listQuery = z
  .strictObject({
    labelSelector: selector.optional().meta({
      description: "Kubernetes' label selector: `app=web,tier in (a, b),!old`.",
    }),
    fieldSelector: selector.optional().meta({
      description: '`metadata.name=…`, `metadata.namespace=…`, or both with a comma between.',
    }),
    limit: wholeNumber(1, largestPage)
      .optional()
      .meta({ description: 'Objects of the page. Without it the list comes whole.' }),
    continue: nextPage,
    ...watchParameters,
  })
  .superRefine(checkWatch);

const dryRun = z
  .literal('All')
  .optional()
  .meta({ description: 'Check all of it, and store nothing.' });

const applyQuery = z.strictObject({
  dryRun,
  fieldManager: z.string().min(1).max(128).default('api').meta({ description: 'Who writes.' }),
});

const deleteQuery = z.strictObject({ dryRun });

/** Body of a deletion, as Kubernetes' clients send it. */
export const deleteOptions = z
  .strictObject({
    apiVersion: z.string().optional(),
    kind: z.literal('DeleteOptions').optional(),
    preconditions: z
      .strictObject({ uid: z.string().optional(), resourceVersion: z.string().optional() })
      .optional()
      .meta({ description: 'What the object has to be still; else 409.' }),
    dryRun: z.array(z.literal('All')).max(1).optional(),
    propagationPolicy: z
      .enum(['Background', 'Foreground'])
      .optional()
      .meta({ description: 'Finalizers decide; taken, and without a meaning here.' }),
    gracePeriodSeconds: z.int().min(0).optional().meta({ description: 'Without a meaning here.' }),
  })
  .meta({ id: 'DeleteOptions' });

const inNamespace = z.object({ namespace: nameInPath });
const one = z.object({ namespace: nameInPath, name: nameInPath });

const ifNoneMatch = { name: 'if-none-match', description: 'A known ETag: 304 if it is still so.' };

/** The operations on the objects of one kind. */
export interface KindOperations {
  readonly info: KindInfo;
  readonly listAll: Operation<typeof noParams, typeof listQuery>;
  readonly list: Operation<typeof inNamespace, typeof listQuery>;
  readonly read: Operation<typeof one, typeof noQuery>;
  readonly apply: Operation<typeof one, typeof applyQuery, z.ZodUnknown>;
  readonly remove: Operation<typeof one, typeof deleteQuery, typeof deleteOptions>;
}

/** What a query of a list or a watch says. */
export type ListQuery = z.output<typeof listQuery>;

function operationsOf(info: KindInfo): KindOperations {
  const { kind, plural } = info;
  const tag = kind;
  const collection = `${resourceRoot}/namespaces/{namespace}/${plural}`;
  const shown = (form: ShownSchema['form']): ShownSchema => ({ kind, form });
  const content = [{ mediaType: 'application/json', schema: shown('object') }];
  const path = `${collection}/{name}`;
  const params = one;
  const needs = (...verbs: readonly string[]) => ({
    apiVersion,
    resource: plural,
    verbs,
  });
  const document = documentExamples[kind];
  const example = { params: { namespace: 'shop', name: document?.metadata.name ?? 'example' } };
  const listed = {
    method: 'get',
    tag,
    description: `Pages are at most ${largestPage} objects; \`metadata.continue\` names the next one, and a token that is too old is 410. A watch sends lines of JSON, or with \`Accept: ${eventStreamType}\` server-sent events whose ids are resource versions: a reader that comes back with \`Last-Event-ID\` misses nothing. The objects that a watch begins with come in the order of their versions and without ids; the bookmark after them has the first one, and a reader that is cut before it gets all of them again. When the changes after a version are no longer kept, lines are refused with 410 and server-sent events end with an \`error\` event: list again.`,
    needs: needs('list'),
    query: listQuery,
    headers: [ifNoneMatch, ...watchHeaders],
    answers: watchAnswers(shown('list'), shown('watchEvent')),
    errors: ['CLV_RESOURCE_GONE'],
  } as const;
  return {
    info,
    listAll: operation({
      ...listed,
      id: `list${kind}ForAllNamespaces`,
      path: `${resourceRoot}/${plural}`,
      summary: `List or watch objects of kind ${kind}`,
      params: noParams,
      example: {},
    }),
    list: operation({
      ...listed,
      id: `list${kind}`,
      path: collection,
      summary: `List or watch objects of kind ${kind} in a namespace`,
      params: inNamespace,
      example: { params: { namespace: 'shop' }, query: { limit: '10' } },
    }),
    read: operation({
      id: `read${kind}`,
      method: 'get',
      path,
      tag,
      summary: `Read one ${kind}`,
      needs: needs('get'),
      params,
      query: noQuery,
      headers: [ifNoneMatch],
      answers: [{ status: 200, description: 'The object.', content, headers: [etag] }],
      errors: ['CLV_NOT_FOUND'],
      example,
    }),
    apply: operation({
      id: `apply${kind}`,
      method: 'put',
      path,
      tag,
      summary: `Create one ${kind}, or replace its whole spec`,
      // Which of the two it will be is known only once it is done.
      needs: needs('create', 'update'),
      description:
        'What was read can be sent again: status and the fields that Clover owns are passed over, and `metadata.namespace` may be left to the address. A `metadata.resourceVersion` or `metadata.uid` has to be that of the stored object, else 409; `If-Match` and `If-None-Match: *` have to hold, else 412. An object that is being deleted takes the document and goes all the same: the answer has its `metadata.deletionTimestamp`.',
      params,
      query: applyQuery,
      headers: [
        { name: 'if-match', description: 'ETag that the object has to have still; `*`: any.' },
        { name: 'if-none-match', description: '`*`: only if there is no such object.' },
      ],
      body: {
        schema: z.unknown(),
        documented: shown('document'),
        bytes: 1024 * 1024,
        mediaTypes: ['application/json'],
        required: true,
      },
      answers: [
        {
          status: 200,
          description: 'The object, which was there already.',
          content,
          headers: [etag, outcome],
        },
        { status: 201, description: 'The new object.', content, headers: [etag, outcome] },
      ],
      errors: [
        'CLV_BODY_TOO_LARGE',
        'CLV_CONFLICT',
        'CLV_PRECONDITION_FAILED',
        'CLV_RESOURCE_INVALID',
        'CLV_UNSUPPORTED_MEDIA_TYPE',
      ],
      example: { ...example, body: document },
    }),
    remove: operation({
      id: `delete${kind}`,
      method: 'delete',
      path,
      tag,
      summary: `Delete one ${kind}`,
      needs: needs('delete'),
      description:
        "With finalizers it stays, with a `metadata.deletionTimestamp`, until they are gone. `propagationPolicy` and `gracePeriodSeconds` of the body are taken, as Kubernetes' clients send them, and do nothing.",
      params,
      query: deleteQuery,
      headers: [{ name: 'if-match', description: 'ETag that the object has to have still.' }],
      body: {
        schema: deleteOptions,
        bytes: 16 * 1024,
        mediaTypes: ['application/json'],
        required: false,
      },
      answers: [{ status: 200, description: 'The object as it was last.', content }],
      errors: [
        'CLV_BODY_TOO_LARGE',
        'CLV_CONFLICT',
        'CLV_NOT_FOUND',
        'CLV_PRECONDITION_FAILED',
        'CLV_UNSUPPORTED_MEDIA_TYPE',
      ],
      example,
    }),
  };
}

/** Header of an apply's answer that says what was done. */
export const outcomeHeader = 'clover-outcome';

const outcome = { name: outcomeHeader, description: '`created`, `configured` or `unchanged`.' };

/** The operations of every kind. */
export const kindOperations: readonly KindOperations[] = kinds.map(operationsOf);

/** Those that users may call: kinds that Clover writes alone are only read. */
export const resourceOperations: readonly Operation[] = kindOperations.flatMap(
  ({ info, listAll, list, read, apply, remove }): readonly Operation[] =>
    [listAll, list, read, apply, remove].filter(({ method }) => info.writable || method === 'get'),
);
