import test, { type ExecutionContext } from 'ava';
import { findForeign } from '../../../../functions/mesh/istio/foreign.ts';
import {
  destinationRule,
  virtualService,
  type IstioObject,
} from '../../../../functions/mesh/istio/objects.ts';
import { renderIstio } from '../../../../functions/mesh/istio/renderer.ts';
import { compile } from '../../../../functions/policy/compile.ts';
import { meshPolicy } from './examples.ts';
import { listed, onWire } from '../../resources/kubernetes/wire.ts';

const wanted = renderIstio(compile([meshPolicy()], []).form).get('shop/proxy');

/** What is said of an object that somebody else made; undefined: it is in nobody's way. */
async function said(
  t: ExecutionContext,
  kind: IstioObject['kind'],
  namespace: string,
  spec: object,
): Promise<string | undefined> {
  if (wanted === undefined) throw new Error('not rendered');
  const { client } = await onWire(t, ({ path }) =>
    listed(
      path.endsWith(kind.plural) ? [{ metadata: { namespace, name: 'mine' }, spec }] : [],
      '1',
    ),
  );
  const found = await findForeign(client, new Map([['shop/proxy', wanted]]));
  return found.get('shop/proxy')?.message;
}

test('of a host only routes inside the mesh are in the way, however it is written', async (t) => {
  for (const [namespace, host] of [
    ['shop', 'proxy'],
    ['shop', 'proxy.shop.svc'],
    ['other', 'proxy.shop'],
    ['other', 'proxy.shop.svc.cluster.local'],
  ] as const) {
    for (const gateways of [{}, { gateways: ['edge', 'mesh'] }]) {
      t.is(
        await said(t, virtualService, namespace, { hosts: ['x', host], ...gateways }),
        `the VirtualService ${namespace}/mine has routes for the host "${host}": Clover does not touch it`,
      );
    }
  }
  t.is(await said(t, virtualService, 'shop', { hosts: ['proxy'], gateways: ['edge'] }), undefined);
  t.is(await said(t, virtualService, 'other', { hosts: ['proxy'] }), undefined);
  t.is(await said(t, virtualService, 'shop', { hosts: 7 }), undefined);
});

const subset = (name: string): IstioObject['spec'] => ({ host: 'proxy.shop', subsets: [{ name }] });

test('subsets of the host are in the way where they have the name of a version', async (t) => {
  t.is(
    await said(t, destinationRule, 'other', subset('v2')),
    'the DestinationRule other/mine has a subset "v2" of the host "proxy.shop": Clover does not touch it',
  );
  t.is(await said(t, destinationRule, 'other', subset('v9')), undefined);
  t.is(await said(t, destinationRule, 'other', { ...subset('v2'), host: 'proxy' }), undefined);
});
