import test from 'ava';
import { refuseForeign } from '../../../../functions/mesh/istio/foreign.ts';
import {
  destinationRule,
  virtualService,
  type IstioObject,
} from '../../../../functions/mesh/istio/objects.ts';
import { renderIstio } from '../../../../functions/mesh/istio/renderer.ts';
import { compile } from '../../../../functions/policy/compile.ts';
import { meshPolicy } from './examples.ts';
import { live } from './live.ts';

const wanted = renderIstio(compile([meshPolicy()], []).form).get('shop/proxy');

/** What is said of an object that somebody else made; undefined: it is in nobody's way. */
function said(kind: IstioObject['kind'], namespace: string, spec: IstioObject['spec']) {
  if (wanted === undefined) throw new Error('not rendered');
  const foreign = live({ kind, namespace, name: 'mine', spec }, { policy: undefined });
  try {
    refuseForeign(wanted, [foreign]);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : 'no error';
  }
}

test('of a host only routes inside the mesh are in the way, however it is written', (t) => {
  for (const [namespace, host] of [
    ['shop', 'proxy'],
    ['shop', 'proxy.shop.svc'],
    ['other', 'proxy.shop'],
    ['other', 'proxy.shop.svc.cluster.local'],
  ] as const) {
    for (const gateways of [{}, { gateways: ['edge', 'mesh'] }]) {
      t.is(
        said(virtualService, namespace, { hosts: ['x', host], ...gateways }),
        `the VirtualService ${namespace}/mine has routes for the host "${host}": Clover does not touch it`,
      );
    }
  }
  t.is(said(virtualService, 'shop', { hosts: ['proxy'], gateways: ['edge'] }), undefined);
  t.is(said(virtualService, 'other', { hosts: ['proxy'] }), undefined);
  t.is(said(virtualService, 'shop', { hosts: 7 }), undefined);
});

const subset = (name: string): IstioObject['spec'] => ({ host: 'proxy.shop', subsets: [{ name }] });

test('subsets of the host are in the way where they have the name of a version', (t) => {
  t.is(
    said(destinationRule, 'other', subset('v2')),
    'the DestinationRule other/mine has a subset "v2" of the host "proxy.shop": Clover does not touch it',
  );
  t.is(said(destinationRule, 'other', subset('v9')), undefined);
  t.is(said(destinationRule, 'other', { ...subset('v2'), host: 'proxy' }), undefined);
});
