import { z } from 'zod';
import { CloverError, type ErrorDetail } from '../../lib/errors.ts';

/** `meta/v1` Status, as far as it is read. */
const status = z.object({
  kind: z.literal('Status'),
  message: z.string().default(''),
  reason: z.string().default(''),
  code: z.int().default(0),
  details: z
    .object({
      causes: z
        .array(
          z.object({
            field: z.string().default(''),
            message: z.string().default(''),
            reason: z.string().default(''),
          }),
        )
        .default([]),
      retryAfterSeconds: z.number().default(0),
    })
    .default({ causes: [], retryAfterSeconds: 0 }),
});

/** What is said of a field that the server's definition does not have. */
export const unknownField = 'is unknown';

/** What is said of a namespace that takes nothing new. */
export const terminating = 'is being deleted';

/** A failed answer of an API server as the error that the local store would give. */
export function statusError(code: number, body: unknown, retryAfter?: string): CloverError {
  const { message, reason, details } = read(code, body);
  switch (code) {
    case 400:
      return badRequest(message);
    case 401:
      return new CloverError(
        'CLV_KUBERNETES_FORBIDDEN',
        `the API server does not take the credentials (${message}): they have expired, or are of another cluster`,
      );
    case 403:
      return new CloverError('CLV_KUBERNETES_FORBIDDEN', message, {
        details: details.causes
          .filter(({ reason: cause }) => cause === 'NamespaceTerminating')
          .map(({ field }) => ({ field, message: terminating })),
      });
    case 404:
      return new CloverError('CLV_NOT_FOUND', message);
    case 409:
      return new CloverError('CLV_CONFLICT', message);
    case 410:
      return new CloverError('CLV_RESOURCE_GONE', message);
    case 422:
      return new CloverError('CLV_RESOURCE_INVALID', message, { details: byField(details.causes) });
    case 429:
    case 503:
      return new CloverError('CLV_OVERLOADED', message, {
        retryAfter: details.retryAfterSeconds || Number(retryAfter) || 1,
      });
    default:
      return undeclared(message) ?? unreachable(`${code} ${reason}: ${message}`);
  }
}

const unreachable = (message: string): CloverError =>
  new CloverError('CLV_KUBERNETES_UNREACHABLE', message);

/** Server-side apply says 500 of a field that the server's definition does not have. */
function undeclared(message: string): CloverError | undefined {
  const details = [...message.matchAll(/\.(\S+): field not declared in schema/g)].map(
    ([, field = '']) => ({ field, message: unknownField }),
  );
  if (details.length === 0) return undefined;
  const fields = details.map(({ field }) => field).join(', ');
  const text = `the definition on the server does not have ${fields}: it is of an earlier version of Clover; upgrade it first`;
  return new CloverError('CLV_RESOURCE_INVALID', text, { details });
}

interface Read {
  readonly message: string;
  readonly reason: string;
  readonly details: z.output<typeof status>['details'];
}

/** A cause of no field only says that rules were not looked at. Two of one field are told together. */
function byField(causes: readonly ErrorDetail[]): ErrorDetail[] {
  const fields = Map.groupBy(causes, ({ field }) => field);
  if (fields.size > 1) fields.delete('<nil>');
  return [...fields].map(([field, own]) => ({
    field,
    message: own.map(({ message }) => message).join('; '),
  }));
}

/** A proxy in between may answer with anything. */
function read(code: number, body: unknown): Read {
  const parsed = status.safeParse(typeof body === 'string' ? jsonOf(body) : body);
  if (parsed.success) return parsed.data;
  const text = typeof body === 'string' ? body.slice(0, 200) : '';
  return {
    message: `the Kubernetes API answered ${code}: ${text}`,
    reason: '',
    details: { causes: [], retryAfterSeconds: 0 },
  };
}

function jsonOf(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

/** Strict decoding has no causes: the fields stand in its text. */
function badRequest(message: string): CloverError {
  const details: ErrorDetail[] = [...message.matchAll(/(unknown|duplicate) field "([^"]+)"/g)].map(
    ([, what = '', field = '']) => ({
      field,
      message: what === 'unknown' ? unknownField : 'is there twice',
    }),
  );
  return details.length > 0
    ? new CloverError('CLV_RESOURCE_INVALID', message, { details })
    : new CloverError('CLV_ARGUMENT_INVALID', message);
}
