import test from 'ava';
import type { HttpHandler } from '../../../functions/host/function.ts';
import { createRoutes } from '../../../functions/host/routes.ts';
import { entryOf } from './helpers.ts';

const handler: HttpHandler = () => undefined;
const makeRoutes = async (): Promise<HttpHandler> => handler;

test('routes that could not be made are made again by the next request, and then kept', async (t) => {
  let made = 0;
  const routes = createRoutes([
    {
      fn: {
        name: 'f',
        routes: async () => {
          made += 1;
          if (made === 1) throw new Error('the disk was away');
          return handler;
        },
      },
      entry: entryOf('f', { paths: ['/a'] }),
    },
  ]);
  await t.throwsAsync(async () => routes.handler('/a'), { message: 'the disk was away' });
  t.is(await routes.handler('/a'), handler);
  t.is(await routes.handler('/a/b'), handler);
  t.is(made, 2);
  t.is(routes.handler('/b'), undefined);
});

test('guarded are the paths of a function that asks who calls, and none of those that the host answers', (t) => {
  const guarded = createRoutes([
    {
      fn: { name: 'f', routes: makeRoutes, isGuarded: true },
      entry: entryOf('f', { paths: ['/'] }),
    },
  ]);
  for (const path of ['/apis', '/v1/status', '/brokers']) t.true(guarded.isGuarded(path), path);
  for (const path of ['/', '/metrics', '/broker', '/functions/f', '/functions/%66']) {
    t.false(guarded.isGuarded(path), path);
  }
  const open = createRoutes([
    { fn: { name: 'f', routes: makeRoutes }, entry: entryOf('f', { paths: ['/'] }) },
  ]);
  t.false(open.isGuarded('/apis'));
});
