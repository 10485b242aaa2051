import type { ExecutionContext } from 'ava';
import { z } from 'zod';
import type { ApiServer } from './server.ts';

const problem = z.looseObject({
  code: z.string(),
  detail: z.string(),
  details: z.array(z.object({ field: z.string(), message: z.string() })),
});

/** A request with the token. */
export function call(api: ApiServer, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set('authorization', `Bearer ${api.token}`);
  return fetch(new URL(path, api.url), { ...init, headers });
}

/** A PUT of a document. */
export function put(
  api: ApiServer,
  path: string,
  document: unknown,
  more: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const headers = { 'content-type': 'application/json', ...more };
  return call(api, path, { method: 'PUT', headers, body: JSON.stringify(document) });
}

/** The problem that a request is refused with. */
export async function refused(
  t: ExecutionContext,
  answer: Promise<Response>,
  status: number,
  code: string,
): Promise<z.output<typeof problem>> {
  const response = await answer;
  t.is(response.status, status);
  const body = problem.parse(await response.json());
  t.is(body.code, code);
  return body;
}
