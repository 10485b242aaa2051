import test from 'ava';
import type { HttpHandler } from '../../../functions/host/function.ts';
import { createRoutes } from '../../../functions/host/routes.ts';
import { entryOf } from './helpers.ts';

const handler: HttpHandler = () => undefined;

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
  await t.throwsAsync(async () => routes('/a'), { message: 'the disk was away' });
  t.is(await routes('/a'), handler);
  t.is(await routes('/a/b'), handler);
  t.is(made, 2);
  t.is(routes('/b'), undefined);
});
