import { sha256 } from '../lib/canonical-json.ts';
import type { Ingress, IngressPath, IngressSpec, IngressSplit } from './ingress-object.ts';

/** Its members are written in this order, without those that are undefined. */
type Members = readonly (readonly [name: string, value: string | undefined])[];

/**
 * The hash that Knative's data plane contract names a wish by, 64 hex digits: SHA-256 of the spec as Go's `encoding/json` writes
 * Knative's types, the namespace and the name. A probe with `K-Network-Hash: override` is answered with it.
 */
export function specHash({ spec, metadata }: Pick<Ingress, 'spec' | 'metadata'>): string {
  return sha256(`${specJson(spec)}${metadata.namespace}${metadata.name}`);
}

function specJson({ tls = [], rules = [], httpOption }: IngressSpec): string {
  return object([
    [
      'tls',
      listed(tls, ({ hosts = [], secretName, secretNamespace }) =>
        object([
          ['hosts', listed(hosts, text)],
          ['secretName', some(secretName)],
          ['secretNamespace', some(secretNamespace)],
        ]),
      ),
    ],
    [
      'rules',
      listed(rules, ({ hosts = [], visibility, http }) =>
        object([
          ['hosts', listed(hosts, text)],
          ['visibility', some(visibility)],
          ['http', http && object([['paths', required(http.paths, pathJson)]])],
        ]),
      ),
    ],
    ['httpOption', some(httpOption)],
  ]);
}

function pathJson(path: IngressPath): string {
  const { headers = {} } = path;
  const matches = Object.entries(headers).map(
    ([name, { exact }]) => [name, object([['exact', text(exact)]])] as const,
  );
  return object([
    ['path', some(path.path)],
    ['rewriteHost', some(path.rewriteHost)],
    ['headers', matches.length === 0 ? undefined : object(byKey(matches))],
    ['splits', required(path.splits, splitJson)],
    ['appendHeaders', headersJson(path.appendHeaders)],
  ]);
}

function splitJson(split: IngressSplit): string {
  const { servicePort, percent } = split;
  return object([
    ['serviceNamespace', text(split.serviceNamespace)],
    ['serviceName', text(split.serviceName)],
    ['servicePort', typeof servicePort === 'number' ? String(servicePort) : text(servicePort)],
    ['percent', percent === 0 ? undefined : String(percent)],
    ['appendHeaders', headersJson(split.appendHeaders)],
  ]);
}

function headersJson(headers: Readonly<Record<string, string>> = {}): string | undefined {
  const members = Object.entries(headers).map(([name, value]) => [name, text(value)] as const);
  return members.length === 0 ? undefined : object(byKey(members));
}

/** Go sorts the keys of a map by their bytes. */
function byKey(members: readonly (readonly [string, string])[]): Members {
  return members.toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function object(members: Members): string {
  const written = members
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${text(name)}:${value}`);
  return `{${written.join(',')}}`;
}

/** Left out when it is empty, as `omitempty` does. */
function listed<Item>(items: readonly Item[], one: (item: Item) => string): string | undefined {
  return items.length === 0 ? undefined : required(items, one);
}

function required<Item>(
  items: readonly Item[] | null | undefined,
  one: (item: Item) => string,
): string {
  return items ? `[${items.map(one).join(',')}]` : 'null';
}

function some(value: string): string | undefined {
  return value === '' ? undefined : text(value);
}

/** Go writes these as escapes, so that JSON may stand in HTML and in JavaScript. */
function text(value: string): string {
  return JSON.stringify(value).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
