import { agent } from '../../../knative/render/agent/names.ts';
import { audienceOf } from '../../../knative/render/audience.ts';
import type { NodeTier } from '../tiers/node.ts';
import { cloverNamespace } from './prepare.ts';

/** A token by which an agent of the installation sends spans to ingest, as its pod has one. */
export async function agentToken({ kubectl }: Pick<NodeTier, 'kubectl'>): Promise<string> {
  const audience = `--audience=${audienceOf(cloverNamespace, 'ingest')}`;
  const token = ['create', 'token', agent, '-n', cloverNamespace, audience, '--duration=4h'];
  return (await kubectl(token)).trim();
}
