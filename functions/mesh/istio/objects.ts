import type { Json } from '../envoy/resources.ts';

/** A kind of Istio's that Clover writes, by its address in the API. */
export interface IstioKind {
  readonly kind: 'DestinationRule' | 'EnvoyFilter' | 'VirtualService';
  /** Istio serves EnvoyFilter in an alpha version only. */
  readonly apiVersion: 'networking.istio.io/v1' | 'networking.istio.io/v1alpha3';
  readonly plural: string;
}

/** Where requests go. */
export const virtualService: IstioKind = {
  kind: 'VirtualService',
  apiVersion: 'networking.istio.io/v1',
  plural: 'virtualservices',
};

/** What versions there are. */
export const destinationRule: IstioKind = {
  kind: 'DestinationRule',
  apiVersion: 'networking.istio.io/v1',
  plural: 'destinationrules',
};

/** Faults. */
export const envoyFilter: IstioKind = {
  kind: 'EnvoyFilter',
  apiVersion: 'networking.istio.io/v1alpha3',
  plural: 'envoyfilters',
};

/** A rendered object, without what tells one write of it from another. */
export interface IstioObject {
  readonly kind: IstioKind;
  readonly namespace: string;
  readonly name: string;
  readonly spec: Readonly<Record<string, Json>>;
}

/** The objects of one policy: Clover owns the whole of each. */
export interface PolicyObjects {
  readonly virtualService: IstioObject;
  readonly destinationRule: IstioObject;
  /** By name; one for each version that has a fault. */
  readonly faults: readonly IstioObject[];
}
