import { kinds, type Kind } from '../../knative/resources/kinds.ts';
import { apiVersion } from '../../knative/resources/meta.ts';
import type { TimeWindow } from '../analytics/store.ts';

/** Which objects are meant. */
export interface Selection {
  /** Kubernetes' label selector, equality-based or set-based. */
  readonly labelSelector?: string | undefined;
  /** `metadata.name=…`, `metadata.namespace=…`, or both with a comma between. */
  readonly fieldSelector?: string | undefined;
  /** Only objects of this name. */
  readonly name?: string | undefined;
}

/** Which page of a list is meant. */
export interface PageQuery extends Selection {
  /** Objects of the page, from 1 to 500. Default: all that there are. */
  readonly limit?: number | undefined;
  /** The `continue` of the page before. */
  readonly continue?: string | undefined;
}

/** Which dead letters are meant. */
export interface DeadLetterRequest {
  /** From 1 to 500. Default: 100. */
  readonly limit?: number | undefined;
  /** The `next` of the page before. */
  readonly before?: number | undefined;
  /** Only those of this trigger. */
  readonly trigger?: string | undefined;
}

/** Which records are meant. */
export interface RecordRequest {
  readonly namespace?: string | undefined;
  /** Kind and name of the object that they are about. */
  readonly kind?: string | undefined;
  readonly name?: string | undefined;
  readonly uid?: string | undefined;
  readonly type?: 'Normal' | 'Warning' | undefined;
  readonly reason?: string | undefined;
  /** `regarding.kind=…`, `regarding.name=…`, `regarding.uid=…`, with commas between. */
  readonly fieldSelector?: string | undefined;
  readonly limit?: number | undefined;
}

/** A name as one segment of a path. */
export const segment = encodeURIComponent;

/** Path of an object, or of the collection that it is in. */
export function pathOf(kind: Kind, namespace?: string, name?: string): string {
  const plural = kinds.find((info) => info.kind === kind)?.plural ?? kind;
  const scope = namespace === undefined ? '' : `/namespaces/${segment(namespace)}`;
  return `/apis/${apiVersion}${scope}/${plural}${name === undefined ? '' : `/${segment(name)}`}`;
}

type QueryValues = Readonly<Record<string, number | string | undefined>>;

/** `?name=value&…` of what is given, or nothing. */
export function queryText(values: QueryValues): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return given.length === 0
    ? ''
    : `?${new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)])).toString()}`;
}

/** The query of a list or a watch. */
export function listQuery(
  { name, fieldSelector: given, ...query }: PageQuery,
  more: QueryValues = {},
): string {
  const own = name === undefined ? [] : [`metadata.name=${name}`];
  return queryText({ ...query, fieldSelector: selectorText(given, own), ...more });
}

/** A field selector of what was given and further terms, or undefined for neither. */
function selectorText(given: string | undefined, terms: readonly string[]): string | undefined {
  const all = [...(given === undefined ? [] : [given]), ...terms];
  return all.length === 0 ? undefined : all.join(',');
}

/** Path of the records. */
export function recordsPath(request: RecordRequest, more: QueryValues = {}): string {
  const { namespace, kind, name, uid, fieldSelector: given, ...rest } = request;
  const scope = namespace === undefined ? '' : `/namespaces/${segment(namespace)}`;
  const terms = Object.entries({ kind, name, uid })
    .filter(([, value]) => value !== undefined)
    .map(([field, value]) => `regarding.${field}=${value ?? ''}`);
  const fieldSelector = selectorText(given, terms);
  return `/apis/events.k8s.io/v1${scope}/events${queryText({ ...rest, fieldSelector, ...more })}`;
}

/** The query of a question about a time. */
export const windowQuery = (asked: TimeWindow | undefined): string =>
  queryText({ from: asked?.from, to: asked?.to });

/** Header of a write: only this version, or only if there is none (RFC 9110 §13.1). */
export function precondition(version: string | undefined): Readonly<Record<string, string>> {
  if (version === undefined) return {};
  return version === '' ? { 'if-none-match': '*' } : { 'if-match': `"${version}"` };
}
