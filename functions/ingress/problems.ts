import type { ErrorDetail } from '../lib/errors.ts';
import { excerpt } from '../lib/excerpt.ts';
import type { Ingress, IngressPath, IngressSplit } from './ingress-object.ts';

/** RFC 1123 names, in lower case as Envoy compares them; no ports, no wildcards. */
const hostName =
  /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/;

/** RFC 9110 §5.6.2: a token. */
const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/;

/** RFC 9110 §5.5: no control characters but the tab; and no half of a UTF-16 pair, which is no text. */
const headerValue = /^[\t\x20-\x7e\x80-\ud7ff\ue000-\u{10ffff}]{0,8192}$/u;

/** Envoy refuses to set these, and with them every other route of the port. */
const ownHeaders = new Set(['host', 'content-length', 'transfer-encoding', 'connection']);

/**
 * What keeps an Ingress from being rendered: what Knative's own validation refuses, and what Envoy would refuse together with the
 * routes of everybody else.
 */
export function problemsOf({ spec, metadata }: Ingress): ErrorDetail[] {
  const { rules = [], httpOption } = spec;
  const problems: ErrorDetail[] = [];
  const say = (field: string, message: string): void => void problems.push({ field, message });
  if (rules.length === 0) say('spec.rules', 'is empty; write one rule at least');
  if (!['', 'Enabled', 'Redirected'].includes(httpOption)) {
    say('spec.httpOption', `found ${show(httpOption)}; must be Enabled or Redirected`);
  }
  for (const [index, { hosts = [], visibility, http }] of rules.entries()) {
    const at = `spec.rules[${index}]`;
    if (hosts.length === 0) say(`${at}.hosts`, 'is empty; name one host at least');
    for (const [place, host] of hosts.entries()) {
      if (!hostName.test(host)) {
        say(`${at}.hosts[${place}]`, `found ${show(host)}; must be a host name in lower case`);
      }
    }
    if (!['', 'ExternalIP', 'ClusterLocal'].includes(visibility)) {
      say(`${at}.visibility`, `found ${show(visibility)}; must be ExternalIP or ClusterLocal`);
    }
    const paths = http?.paths ?? [];
    if (paths.length === 0) say(`${at}.http.paths`, 'is empty; write one path at least');
    for (const [place, path] of paths.entries()) {
      problems.push(...ofPath(path, `${at}.http.paths[${place}]`, metadata.namespace));
    }
  }
  return problems;
}

function ofPath(path: IngressPath, at: string, namespace: string): ErrorDetail[] {
  const { headers = {}, rewriteHost } = path;
  const splits = path.splits ?? [];
  const problems: ErrorDetail[] = ofHeaders(path.appendHeaders, at);
  const say = (field: string, message: string): void => void problems.push({ field, message });
  if (!/^(\/[\x21-\x7e]*)?$/.test(path.path)) {
    say(`${at}.path`, `found ${show(path.path)}; must begin with "/" and have no spaces`);
  }
  if (rewriteHost !== '' && !hostName.test(rewriteHost)) {
    say(`${at}.rewriteHost`, `found ${show(rewriteHost)}; must be a host name in lower case`);
  }
  for (const [name, { exact }] of Object.entries(headers)) {
    if (!headerName.test(name) || !headerValue.test(exact)) {
      say(`${at}.headers`, `found ${show(`${name}: ${exact}`)}; must be a header of HTTP`);
    }
  }
  if (splits.length === 0) say(`${at}.splits`, 'is empty; write one split at least');
  const sum = splits.reduce((total, { percent }) => total + percent, 0);
  if (sum !== 100 && !(splits.length === 1 && sum === 0)) {
    say(`${at}.splits`, `the percentages are ${sum} together; must be 100`);
  }
  for (const [index, split] of splits.entries()) {
    problems.push(...ofSplit(split, `${at}.splits[${index}]`, namespace));
  }
  return problems;
}

function ofSplit(split: IngressSplit, at: string, namespace: string): ErrorDetail[] {
  const { percent, serviceName, serviceNamespace } = split;
  const problems: ErrorDetail[] = ofHeaders(split.appendHeaders, at);
  const say = (field: string, message: string): void => void problems.push({ field, message });
  if (percent < 0 || percent > 100) say(`${at}.percent`, `found ${percent}; must be 0 to 100`);
  // Or one namespace could have the traffic of another.
  if (serviceNamespace !== namespace) {
    say(
      `${at}.serviceNamespace`,
      `found ${show(serviceNamespace)}; must be the Ingress's own, ${show(namespace)}`,
    );
  }
  if (serviceName === '') say(`${at}.serviceName`, 'is missing; name a Service');
  return problems;
}

function ofHeaders(headers: Readonly<Record<string, string>> = {}, at: string): ErrorDetail[] {
  return Object.entries(headers).flatMap(([name, value]) => {
    const field = `${at}.appendHeaders`;
    if (ownHeaders.has(name.toLowerCase())) {
      return [{ field, message: `found ${show(name)}, which nobody but Envoy may set` }];
    }
    return headerName.test(name) && headerValue.test(value)
      ? []
      : [{ field, message: `found ${show(`${name}: ${value}`)}; must be a header of HTTP` }];
  });
}

function show(text: string): string {
  return JSON.stringify(excerpt(text));
}
