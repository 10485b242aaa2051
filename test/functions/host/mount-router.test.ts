import { json, Router } from 'express';
import test, { type ExecutionContext } from 'ava';
import { mountRouter } from '../../../functions/host/mount-router.ts';
import type { HttpRequest, HttpResponse } from '../../../functions/host/http.ts';
import { authorization, start } from './start-host.ts';

/** Asks a function whose routes are those of a small router. */
async function asking(t: ExecutionContext) {
  const router = Router();
  router.post('/one/json', json({ limit: 64 }), ({ body }: HttpRequest, response: HttpResponse) => {
    response.json({ body });
  });
  router.get('/one/items/:id', ({ params }: HttpRequest, response: HttpResponse) => {
    response.json(params);
  });
  router.get('/one/foreign', () => {
    throw Object.assign(new Error('secret of a client'), { status: 400 });
  });
  const { url } = await start(t, { routes: async () => mountRouter(router) });
  return async (
    path: string,
    { headers = {}, ...init }: { method?: string; body?: string; headers?: object } = {},
  ) => {
    const response = await fetch(url + path, {
      ...init,
      headers: { authorization, 'content-type': 'application/json', ...headers },
    });
    const text = await response.text();
    return { status: response.status, text };
  };
}

test("what Express' parsers refuse is answered as they mean it, with a code of ours", async (t) => {
  const ask = await asking(t);
  const post = (body: string, headers: Record<string, string> = {}) =>
    ask('/one/json', { method: 'POST', body, headers });
  t.is((await post('{"a":1}')).status, 200);
  const cases = [
    [413, 'CLV_BODY_TOO_LARGE', await post(JSON.stringify('x'.repeat(100)))],
    [
      415,
      'CLV_UNSUPPORTED_MEDIA_TYPE',
      await post('{}', { 'content-type': 'application/json; charset=klingon' }),
    ],
    [415, 'CLV_UNSUPPORTED_MEDIA_TYPE', await post('{}', { 'content-encoding': 'lz4' })],
    [400, 'CLV_ARGUMENT_INVALID', await post('{"a":')],
    [400, 'CLV_ARGUMENT_INVALID', await post('{}', { 'content-encoding': 'gzip' })],
    [400, 'CLV_ARGUMENT_INVALID', await ask('/one/items/%ff')],
  ] as const;
  for (const [status, code, answer] of cases) {
    t.is(answer.status, status, answer.text);
    t.like(JSON.parse(answer.text), { status, code });
  }
});

test('a foreign error is 500 and stays inside, whatever status it has', async (t) => {
  const ask = await asking(t);
  const { status, text } = await ask('/one/foreign');
  t.is(status, 500);
  t.like(JSON.parse(text), { code: 'CLV_INTERNAL' });
  t.notRegex(text, /secret/);
});

test('a method that nothing answers is named with its path', async (t) => {
  const ask = await asking(t);
  const { status, text } = await ask('/one/items/7', { method: 'POST', body: '{}' });
  t.is(status, 404);
  t.like(JSON.parse(text), { detail: 'nothing answers POST /one/items/7' });
});
