import createRoutes, { type Router } from 'router';
import type { z } from 'zod';
import { kinds } from '../../knative/resources/kinds.ts';
import { CloverError } from '../lib/errors.ts';
import { excerpt } from '../lib/excerpt.ts';
import { membersTwice } from '../lib/json-twice.ts';
import { nearest } from '../lib/nearest.ts';
import { readBody } from '../host/read-body.ts';
import { badPath } from '../host/problem.ts';
import type { HttpHandler } from '../host/function.ts';
import { accessOf } from './access.ts';
import type { Guard } from '../resources/kubernetes/guard.ts';
import type { ApiRequest, ApiResponse } from './http.ts';
import { chooseMediaType } from './negotiate.ts';
import type { BodyContract } from './operation.ts';
import { resourceRoot } from './operations/resources.ts';
import type { Route } from './route.ts';
import { sendReply } from './send-reply.ts';
import type { Streams } from './streams.ts';

/** What all routes share. */
interface Shared {
  readonly streams: Streams;
  readonly guard: Guard | undefined;
}

/**
 * The routes, in the router that is in Express: all of Express takes half as long to load as Node, and the API would use nothing
 * of the rest. Errors are thrown for the host.
 */
export function createRouter(routes: readonly Route[], shared: Shared): Router {
  const router = createRoutes({ caseSensitive: true, strict: true });
  for (const [path, served] of byPath(routes)) {
    const at = router.route(path.replaceAll(/\{(\w+)\}/g, ':$1'));
    for (const route of served) {
      at[route.operation.method]((request: ApiRequest, response: ApiResponse) =>
        answer(route, request, response, shared),
      );
    }
    at.all(refuseMethod(served));
  }
  router.use(resourceRoot, ({ url }: ApiRequest) => refuseResource(pathOf(url)));
  return router;
}

async function answer(
  route: Route,
  request: ApiRequest,
  response: ApiResponse,
  { streams, guard }: Shared,
): Promise<void> {
  const { operation } = route;
  const path = pathOf(request.originalUrl);
  const query = new URL(request.originalUrl, 'http://localhost').searchParams;
  // Before anything is said of the request itself.
  const wanted = accessOf(operation, { path, params: request.params, query });
  if (wanted.length > 0) await guard?.admit(request.headers.authorization, wanted);
  const offered = operation.answers.flatMap(({ content }) =>
    content.map(({ mediaType }) => mediaType),
  );
  chooseMediaType(request.headers.accept, [...new Set(offered)]);
  const reply = await route.run({
    params: request.params,
    query,
    headers: request.headers,
    body: (contract) => readJson(request, contract),
  });
  await sendReply(request, response, { reply, streams });
}

/** The router as a function of the host has it. */
export function handlerOf(router: Router): HttpHandler {
  return (request, response, fail) => {
    // A router changes it on the way.
    const { method = '', url } = request;
    router(request, response, (error: unknown) => {
      const path = pathOf(url);
      if (error === undefined || error === null) {
        fail(new CloverError('CLV_NOT_FOUND', `nothing answers ${method} ${excerpt(path)}`));
      } else fail(error instanceof URIError ? badPath(path, error) : error);
    });
  };
}

/** As it came in: a URL would resolve dots in it. */
function pathOf(url = '/'): string {
  return url.split('?', 1)[0] ?? '/';
}

function byPath(routes: readonly Route[]): ReadonlyMap<string, readonly Route[]> {
  return Map.groupBy(routes, ({ operation }) => operation.path);
}

function refuseMethod(served: readonly Route[]) {
  const methods = served.map(({ operation }) => operation.method.toUpperCase());
  const allowed = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  const allow = [...allowed, 'OPTIONS'].join(', ');
  const owner = served.some(({ operation }) => operation.method === 'put') ? '' : ownerOf(served);
  return ({ method }: ApiRequest, response: ApiResponse): void => {
    response.setHeader('Allow', allow);
    if (method === 'OPTIONS') {
      response.statusCode = 204;
      response.end();
    } else {
      const message = `${method} is not allowed here, use ${allow}${owner}`;
      throw new CloverError('CLV_METHOD_NOT_ALLOWED', message);
    }
  };
}

/** Why an object of some kinds cannot be written. */
function ownerOf(served: readonly Route[]): string {
  const kind = kinds.find(
    (info) =>
      !info.writable &&
      served.some(({ operation }) => operation.path.endsWith(`/${info.plural}/{name}`)),
  );
  return kind === undefined ? '' : `: ${kind.kind} is written by Clover alone`;
}

/** Nothing of the API's group has taken the request. */
function refuseResource(path: string): never {
  const words = path.split('/').filter((word) => word !== '');
  const plural = (words[0] === 'namespaces' ? words[2] : words[0]) ?? '';
  const plurals = kinds.map((info) => info.plural);
  if (plurals.includes(plural)) {
    throw new CloverError(
      'CLV_NOT_FOUND',
      `there is nothing at ${excerpt(path)}: one object is at namespaces/NAMESPACE/${plural}/NAME`,
    );
  }
  const meant = nearest(plural, plurals);
  const hint = meant === undefined ? `there are ${plurals.join(', ')}` : `did you mean "${meant}"?`;
  throw new CloverError(
    'CLV_NOT_FOUND',
    `no resource "${excerpt(plural)}" in ${resourceRoot.slice('/apis/'.length)}: ${hint}`,
  );
}

/**
 * @throws CloverError CLV_UNSUPPORTED_MEDIA_TYPE, CLV_BODY_TOO_LARGE, CLV_ARGUMENT_INVALID.
 */
async function readJson(
  request: ApiRequest,
  { bytes, mediaTypes, required }: BodyContract<z.ZodType>,
): Promise<unknown> {
  const [preferred = ''] = mediaTypes;
  const body = await readBody(request, { bytes });
  if (body.length === 0 && !required) return undefined;
  const type = (request.headers['content-type'] ?? preferred).split(';')[0]?.trim().toLowerCase();
  if (type === undefined || !(mediaTypes.includes(type) || isJson(type))) {
    const message = `found ${type ?? 'nothing'}; send ${mediaTypes.join(' or ')}`;
    throw new CloverError('CLV_UNSUPPORTED_MEDIA_TYPE', message);
  }
  const [, charset = 'utf-8'] =
    /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(request.headers['content-type'] ?? '') ?? [];
  if (!/^(?:utf-?8|us-ascii)$/i.test(charset)) {
    const message = `found charset=${excerpt(charset)}; JSON is sent in UTF-8`;
    throw new CloverError('CLV_UNSUPPORTED_MEDIA_TYPE', message);
  }
  const { value, twice } = parsed(body);
  if (twice.length === 0) return value;
  const details = twice.map((field) => ({ field, message: 'must not be given more than once' }));
  const message = `the body has members twice: ${twice[0]}`;
  throw new CloverError('CLV_ARGUMENT_INVALID', message, { details });
}

/** @throws CloverError CLV_ARGUMENT_INVALID. */
function parsed(body: Buffer): { readonly value: unknown; readonly twice: readonly string[] } {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    const value: unknown = JSON.parse(text);
    return { value, twice: membersTwice(body) };
  } catch (cause) {
    const reason = body.length === 0 ? 'found nothing' : reasonOf(cause);
    const details = [{ field: 'body', message: reason }];
    const message = `the body is not JSON in UTF-8: ${reason}`;
    throw new CloverError('CLV_ARGUMENT_INVALID', message, { cause, details });
  }
}

const reasonOf = (cause: unknown): string =>
  cause instanceof SyntaxError ? cause.message : 'some bytes are no UTF-8';

const isJson = (type: string): boolean => /^application\/[\w.-]+\+json$/.test(type);
