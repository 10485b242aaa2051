import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { NodeTier } from './tiers/node.ts';

const withinMs = 60_000;

const configurations = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      webhooks: z.array(
        z.object({ clientConfig: z.object({ caBundle: z.string().exactOptional() }) }),
      ),
    }),
  ),
});

/**
 * Resolves when every webhook of a cluster has an authority, which who serves it puts in: until then nothing can be written that it looks at.
 * @throws Error with the names of those that have none in a minute.
 */
export async function waitForWebhooks({ kubectl }: Pick<NodeTier, 'kubectl'>): Promise<void> {
  const until = Date.now() + withinMs;
  for (;;) {
    const kinds = 'mutatingwebhookconfigurations,validatingwebhookconfigurations';
    const { items } = configurations.parse(
      JSON.parse(await kubectl(['get', kinds, '-o', 'json'])) as unknown,
    );
    const waiting = items.filter(({ webhooks }) =>
      webhooks.some(({ clientConfig }) => clientConfig.caBundle === undefined),
    );
    if (waiting.length === 0) return;
    if (Date.now() > until) {
      const names = waiting.map(({ metadata }) => metadata.name);
      throw new Error(`webhooks without an authority: ${names.join(', ')}`);
    }
    await sleep(200);
  }
}
