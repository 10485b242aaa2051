import { CloverError } from '../../functions/lib/errors.ts';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { admissionPort } from '../../knative/render/admission/names.ts';
import { apiVersion } from '../../knative/resources/meta.ts';
import { collectionPath } from '../installation/collections.ts';
import type { Finding } from './finding.ts';

const check = 'admission webhook';

/** Where the question is asked: every cluster has it, and the webhook is asked about it. */
const namespace = 'default';

/** What no schema refuses, and lint does: RE2 has no look-around. */
const refusedByLint = {
  apiVersion,
  kind: 'TrafficPolicy',
  metadata: { generateName: 'clover-doctor-', namespace },
  spec: {
    target: { host: 'clover-doctor.invalid', port: 80 },
    versions: [{ name: 'v1', endpoints: [{ address: '192.0.2.1', port: 80 }] }],
    rules: [
      {
        name: 'doctor',
        match: [{ path: { regex: '(?=x)' } }],
        split: [{ version: 'v1', weight: 100 }],
      },
    ],
  },
};

/**
 * Whether the API server reaches the webhook. Without an answer it takes every object (`failurePolicy: Ignore`), so that nobody would
 * notice: a dry run of one that lint alone refuses tells.
 */
export async function webhookFinding(client: KubeClient): Promise<Finding> {
  try {
    await client.call({
      method: 'POST',
      path: collectionPath({ apiVersion, plural: 'trafficpolicies', namespace }),
      query: { dryRun: 'All' },
      body: refusedByLint,
    });
    return {
      check,
      state: 'doubtful',
      found: 'the API server takes what lint refuses: it does not reach the webhook',
      fix: `let the API server open connections to port ${admissionPort} of the pods (a firewall rule for the control plane of a private cluster, or a network plug-in whose pods the control plane reaches), or set admission.enabled=false`,
    };
  } catch (error) {
    if (!(error instanceof CloverError)) throw error;
    if (error.details.some(({ field }) => field === 'spec.rules[0].match[0].path.regex')) {
      return { check, state: 'good', found: 'refuses what lint refuses' };
    }
    const fix = `it takes the verb create on trafficpolicies.clover.dev in ${namespace}, and the definitions of this version`;
    return { check, state: 'doubtful', found: `cannot be told: ${error.message}`, fix };
  }
}
