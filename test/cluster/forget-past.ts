import { compact } from './compact.ts';
import type { ApiTier } from './tiers/api.ts';

/** Makes every resource version of before too old: pages are read from etcd, watches from the server's memory. */
export async function forgetPast(tier: Pick<ApiTier, 'etcd' | 'restartApiServer'>): Promise<void> {
  await compact(tier.etcd);
  await tier.restartApiServer();
}
