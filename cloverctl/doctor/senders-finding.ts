import { z } from 'zod';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { found404 } from '../installation/live-object.ts';
import type { Finding } from './finding.ts';

/** Of {@link sendersFinding}. */
export const sendersCheck = 'senders of events';

const features = z.object({ data: z.record(z.string(), z.string()).default({}) });

/**
 * Who may send events to functions on Knative. While Eventing does not say who it is, a function that asks takes nothing, and
 * EventPolicies are not obeyed.
 * @param isAsked `oidc` of the installation.
 */
export async function sendersFinding(client: KubeClient, isAsked: boolean): Promise<Finding> {
  const check = sendersCheck;
  if (!isAsked) {
    const found = 'functions take events of whoever reaches them: oidc is off';
    const fix =
      'enable authentication-oidc in the ConfigMap config-features of knative-eventing, then cloverctl upgrade --set oidc=true; docs/knative.md has the steps between';
    return { check, state: 'doubtful', found, fix };
  }
  const path = '/api/v1/namespaces/knative-eventing/configmaps/config-features';
  const answer = await found404(client.call({ method: 'GET', path }));
  const { data } = features.parse(answer ?? {});
  const found = `authentication-oidc is ${data['authentication-oidc'] ?? 'disabled'}`;
  // Eventing takes it in any case of letters.
  if (data['authentication-oidc']?.toLowerCase() === 'enabled')
    return { check, state: 'good', found };
  const fix =
    'until it is enabled in the ConfigMap config-features of knative-eventing, or cloverctl upgrade --set oidc=false, functions refuse every event';
  return { check, state: 'bad', found, fix };
}
