import test from 'ava';
import { z } from 'zod';
import { createApiClient } from '../../../functions/api/client.ts';
import { call, refused } from './requests.ts';
import { startApi, type ApiServer } from './server.ts';

const taps = '/apis/clover.dev/v1alpha1/taps';
const list = z.object({
  metadata: z.object({ continue: z.string(), remainingItemCount: z.number() }),
  items: z.array(z.unknown()),
});

const named = z.object({
  metadata: z.object({
    continue: z.string().optional(),
    remainingItemCount: z.number().optional(),
  }),
  items: z.array(z.object({ metadata: z.object({ name: z.string(), namespace: z.string() }) })),
});

async function fill(api: ApiServer, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const team = index % 2 === 0 ? 'a' : 'b';
    const metadata = { name: `tap-${index}`, namespace: 'shop', labels: { team } };
    await api.store.applySpec({ kind: 'Tap', metadata, spec: {} }, { manager: 'test' });
  }
}

test('the client walks through every page, each object once', async (t) => {
  const api = await startApi(t);
  await fill(api, 7);
  const client = createApiClient({ url: api.url, token: api.token });
  const names: string[] = [];
  const sizes: number[] = [];
  for await (const page of client.pages('Tap', 'shop', { limit: 3 })) {
    sizes.push(page.items.length);
    names.push(...page.items.map(({ metadata }) => metadata.name));
  }
  t.deepEqual(sizes, [3, 3, 1]);
  t.is(new Set(names).size, 7);
  t.is((await client.list('Tap')).items.length, 7);
  t.is((await client.list('Tap', 'shop', { labelSelector: 'team=a' })).items.length, 4);
  t.is((await client.list('Tap', 'shop', { name: 'tap-3' })).items.length, 1);
});

test('a page says how many objects are behind it, and a later one has an ETag of its own', async (t) => {
  const api = await startApi(t);
  await fill(api, 5);
  const first = await call(api, `${taps}?limit=2`);
  const { metadata } = list.parse(await first.json());
  t.is(metadata.remainingItemCount, 3);
  const next = `${taps}?limit=2&continue=${metadata.continue}`;
  const before = (await call(api, next)).headers.get('etag') ?? '';
  t.not(before, first.headers.get('etag'));
  const changed = { name: 'tap-2', namespace: 'shop', labels: { team: 'c' } };
  await api.store.applySpec({ kind: 'Tap', metadata: changed, spec: {} }, { manager: 'test' });
  t.is((await call(api, next, { headers: { 'if-none-match': before } })).status, 200);
});

test('a list by name has pages too', async (t) => {
  const api = await startApi(t);
  for (const namespace of ['one', 'three', 'two']) {
    for (const name of ['other', 'web']) {
      const metadata = { name, namespace };
      await api.store.applySpec({ kind: 'Tap', metadata, spec: {} }, { manager: 'test' });
    }
  }
  const byName = `${taps}?fieldSelector=metadata.name=web`;
  const namespaces: string[] = [];
  let next = '';
  for (let count = 1; count <= 3; count += 1) {
    const page = named.parse(await (await call(api, `${byName}&limit=1${next}`)).json());
    t.is(page.items.length, 1);
    t.is(page.metadata.remainingItemCount, undefined);
    namespaces.push(...page.items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`));
    next = `&continue=${page.metadata.continue ?? ''}`;
    t.is(page.metadata.continue === undefined, count === 3);
    if (count > 1) continue;
    const elsewhere = call(api, `${taps}?limit=1${next}`);
    t.regex((await refused(t, elsewhere, 400, 'CLV_ARGUMENT_INVALID')).detail, /another list/);
  }
  t.deepEqual(namespaces, ['one/web', 'three/web', 'two/web']);
  const none = named.parse(
    await (
      await call(
        api,
        `/apis/clover.dev/v1alpha1/namespaces/one/taps?limit=1&fieldSelector=metadata.namespace=two`,
      )
    ).json(),
  );
  t.deepEqual([none.items, none.metadata.continue], [[], undefined]);
});

test('bad pages are refused, and a token that is too old with a hint', async (t) => {
  const api = await startApi(t, { keepChanges: 2 });
  await fill(api, 3);
  for (const query of ['limit=0', 'limit=501', 'limit=1.5', 'continue=x', 'labelSelector=a b']) {
    const { details } = await refused(
      t,
      call(api, `${taps}?${query}`),
      400,
      'CLV_ARGUMENT_INVALID',
    );
    t.is(details[0]?.field, query.split('=')[0]);
  }
  const { metadata } = list.parse(await (await call(api, `${taps}?limit=1`)).json());
  await fill(api, 1);
  for (const name of ['x', 'y', 'z']) {
    const of = { name, namespace: 'shop' };
    await api.store.applySpec({ kind: 'Tap', metadata: of, spec: {} }, { manager: 'test' });
  }
  const gone = call(api, `${taps}?limit=1&continue=${metadata.continue}`);
  t.regex((await refused(t, gone, 410, 'CLV_RESOURCE_GONE')).detail, /list again/);
});
