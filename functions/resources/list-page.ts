import { z } from 'zod';
import type { AnyResource, Kind } from '../../knative/resources/kinds.ts';
import { CloverError } from '../lib/errors.ts';

/** Where a page begins: behind the last object of the page before. */
export interface PageStart {
  /** Resource version of the first page. */
  readonly version: number;
  readonly namespace: string;
  readonly name: string;
}

/** What a list is of: a token is good for the same list only. */
export interface ListScope {
  readonly kind: Kind;
  readonly namespace: string | undefined;
  readonly labelSelector: string | undefined;
  /** Only objects of this name. */
  readonly name: string | undefined;
  readonly fields: Readonly<Record<string, string>>;
  /** Only objects that are not over. */
  readonly unfinished: boolean;
}

const token = z.strictObject({
  of: z.string(),
  version: z.int().min(0),
  namespace: z.string(),
  name: z.string(),
});

/** The `continue` of a page that ends with this object. */
export function continueToken(scope: ListScope, version: number, last: AnyResource): string {
  const { namespace, name } = last.metadata;
  const text = JSON.stringify({ of: scopeText(scope), version, namespace, name });
  return Buffer.from(text).toString('base64url');
}

/**
 * Where the page behind a `continue` begins.
 * @throws CloverError CLV_ARGUMENT_INVALID when it is none, or one of another list.
 */
export function pageStart(scope: ListScope, text: string): PageStart {
  const parsed = token.safeParse(decoded(text));
  if (parsed.success && parsed.data.of === scopeText(scope)) return parsed.data;
  const message = parsed.success
    ? 'is of another list: keep kind, namespace and selector as they were'
    : 'must be the metadata.continue of the page before';
  throw new CloverError('CLV_ARGUMENT_INVALID', `continue ${message}`, {
    details: [{ field: 'continue', message }],
  });
}

function decoded(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

function scopeText({
  kind,
  namespace = '',
  name = '',
  labelSelector = '',
  fields,
  unfinished,
}: ListScope): string {
  const selected = Object.entries(fields).map(([path, value]) => `/${path}=${value}`);
  const more = [name === '' ? '' : `/${name}`, ...selected, unfinished ? '/unfinished' : ''];
  return `${kind}/${namespace}/${labelSelector}${more.join('')}`;
}
