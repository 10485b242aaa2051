import type { LiveObject } from '../../../../functions/mesh/istio/live-objects.ts';
import { mark } from '../../../../functions/mesh/istio/live-objects.ts';
import type { IstioObject } from '../../../../functions/mesh/istio/objects.ts';

/** An answer of the API for an object as it is rendered, made by Clover for the policy `proxy`, unless said otherwise. */
export function answerOf(
  { kind, namespace, name, spec }: IstioObject,
  {
    resourceVersion = '7',
    ...more
  }: { readonly resourceVersion?: string; readonly spec?: object } = {},
  annotations: Readonly<Record<string, string>> = { [mark.epoch]: '1' },
): object {
  return {
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    metadata: {
      name,
      namespace,
      uid: `uid-of-${name}`,
      resourceVersion,
      labels: { [mark.managedBy.label]: mark.managedBy.value, [mark.policy]: 'proxy' },
      annotations,
    },
    spec,
    ...more,
  };
}

/** The same, as it is read. */
export function live(object: IstioObject, more: Partial<LiveObject> = {}): LiveObject {
  return {
    ...object,
    uid: `uid-of-${object.name}`,
    resourceVersion: '7',
    annotations: {},
    owners: [],
    policy: 'shop/proxy',
    epoch: 1,
    ...more,
  };
}
