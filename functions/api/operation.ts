import type { z } from 'zod';
import type { Kind } from '../../knative/resources/kinds.ts';
import type { ErrorCode } from '../lib/errors.ts';
import type { KindSchemas } from './schemas/objects.ts';

/** A schema that nothing is checked by: what the documentation shows of a kind. It is named, and made with the documentation. */
export interface ShownSchema {
  readonly kind: Kind;
  readonly form: keyof KindSchemas;
}

/** A body that an operation takes. */
export interface BodyContract<B extends z.ZodType> {
  readonly schema: B;
  /** Most bytes, after decompression. */
  readonly bytes: number;
  readonly mediaTypes: readonly string[];
  readonly required: boolean;
  /** What the documentation shows, where a handler checks the body itself with errors of its own. */
  readonly documented?: ShownSchema;
}

/** A header, by its name in lower case. */
export interface HeaderContract {
  readonly name: string;
  readonly description: string;
}

/** One media type that an answer may have. */
export interface ContentContract {
  readonly mediaType: string;
  readonly schema: z.ZodType | ShownSchema;
}

/** An answer that is no error. */
export interface AnswerContract {
  readonly status: 200 | 201 | 202 | 204;
  readonly description: string;
  /** In the server's order of preference; none for an answer without a body. */
  readonly content: readonly ContentContract[];
  readonly headers?: readonly HeaderContract[];
}

/** A request that shows the operation, in the documentation and in the contract test. */
export interface Example {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** What the caller of an operation has to be allowed where the cluster decides that; {@link accessOf} reads it. */
export type Needs =
  /** Whoever reaches the port may have it. */
  | 'nothing'
  /** A path that is no resource, in place of the operation's own. */
  | { readonly path: string }
  | {
      /** Group and version. */
      readonly apiVersion: string;
      readonly resource: string;
      /** All of them; a list that is asked to go on is a watch. */
      readonly verbs: readonly string[];
      /** The parameter that names the object. Default: `name`. */
      readonly name?: string;
    };

/**
 * One thing that the API does, declared once: routing, checks, the OpenAPI document, docs/api.md and the
 * contract test come from it.
 */
export interface Operation<
  P extends z.ZodType = z.ZodType,
  Q extends z.ZodType = z.ZodType,
  B extends z.ZodType = z.ZodType,
> {
  /** Stable, unique: the `operationId`. */
  readonly id: string;
  readonly method: 'delete' | 'get' | 'post' | 'put';
  /** OpenAPI's form: `/v1/deadletters/{id}`. */
  readonly path: string;
  readonly tag: string;
  /** One line. */
  readonly summary: string;
  /** Markdown. */
  readonly description?: string;
  readonly params: P;
  readonly query: Q;
  /** Request headers with a meaning of their own. */
  readonly headers?: readonly HeaderContract[];
  readonly body?: BodyContract<B>;
  readonly answers: readonly AnswerContract[];
  /** Codes that it answers with, beside {@link commonErrors}. */
  readonly errors: readonly ErrorCode[];
  /** Needs no bearer token. */
  readonly open?: boolean;
  /** Default: the method, on the path of the request. */
  readonly needs?: Needs;
  readonly example: Example;
}

/** Codes that any operation may answer with. */
export const commonErrors = [
  'CLV_ARGUMENT_INVALID',
  'CLV_FORBIDDEN',
  'CLV_INTERNAL',
  'CLV_NOT_ACCEPTABLE',
  'CLV_OVERLOADED',
  'CLV_UNAUTHORIZED',
  'CLV_URL_TOO_LONG',
] as const satisfies readonly ErrorCode[];

/** Declares an operation; the types of its handler follow from it. */
export function operation<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(
  contract: Operation<P, Q, B>,
): Operation<P, Q, B> {
  return contract;
}
