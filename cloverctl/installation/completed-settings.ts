import { knativeNamespaces } from '../../knative/render/agent/settings.ts';
import type { Findings } from './discover.ts';
import { merge, type Settings } from './settings.ts';

/** What the owner leaves open is decided by what the cluster has, once: a later look at it changes nothing. */
export function completed(settings: Settings, findings: Findings): Settings {
  const { serving, eventing, istio, gateways, hasDefaultStorage } = findings;
  const knative = serving !== undefined && eventing !== undefined;
  const mesh = { istio: istio !== undefined };
  if ((settings['knative'] ?? knative) !== false) {
    const agent = gateways && { untapped: [...knativeNamespaces, ...gateways] };
    return merge({ knative, controlPlane: mesh, ...(agent && { agent }) }, settings);
  }
  const controlPlane = { ...mesh, ...(hasDefaultStorage === false && { persistent: false }) };
  return merge({ knative, controlPlane }, settings);
}
