import { createServer } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import test from 'ava';
import { createBodyBudget } from '../../../functions/host/body-budget.ts';
import { readBody } from '../../../functions/host/read-body.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import { listenOnLoopback, until } from './helpers.ts';

test('bodies share their memory: what finds no room is 503, and room comes back', async (t) => {
  const budget = createBodyBudget(1_000_000);
  const held: (() => void)[] = [];
  const server = createServer((request, response) => {
    const lease = budget.lease();
    response.once('close', () => lease.release());
    readBody(request, { bytes: 800_000, take: (size) => lease.take(size) }).then(
      () => held.push(() => response.end()),
      (error: unknown) => {
        response.statusCode = error instanceof CloverError ? error.status : 500;
        response.end();
      },
    );
  });
  const url = `http://127.0.0.1:${await listenOnLoopback(server)}/`;
  t.teardown(() => server.close().closeAllConnections());
  const body = new Uint8Array(await promisify(gzip)(Buffer.alloc(700_000)));
  const post = async (): Promise<number> => {
    const headers = { 'content-encoding': 'gzip', connection: 'close' };
    return (await fetch(url, { method: 'POST', headers, body })).status;
  };
  for (let round = 0; round < 3; round += 1) {
    const first = post();
    await until(() => held.length === 1);
    t.is(await post(), 503);
    held.pop()?.();
    t.is(await first, 200);
  }
});

test('a body counts until the last one who holds it has let go', (t) => {
  const budget = createBodyBudget(10);
  const lease = budget.lease();
  lease.take(6);
  lease.hold();
  lease.release();
  const other = budget.lease();
  t.throws(() => other.take(5), { code: 'CLV_OVERLOADED' });
  lease.release();
  t.notThrows(() => other.take(5));
});
