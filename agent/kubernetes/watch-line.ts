import { z } from 'zod';
import { statusError } from '../../functions/resources/kubernetes/status-error.ts';

const line = z.object({
  type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']),
  object: z.unknown(),
});

const placed = z.object({
  metadata: z.object({
    uid: z.string().default(''),
    resourceVersion: z.string(),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
});

const failed = z.object({ code: z.int().default(0) });

/** One line of a watch. */
export interface WatchLine {
  /** `whole`: all that there was at the start has been told. */
  readonly type: 'set' | 'delete' | 'bookmark' | 'whole';
  readonly uid: string;
  readonly resourceVersion: string;
  readonly object: unknown;
}

const types = { ADDED: 'set', MODIFIED: 'set', DELETED: 'delete', BOOKMARK: 'bookmark' } as const;

/**
 * Reads a line of a watch.
 * @throws CloverError what an ERROR line says, such as CLV_RESOURCE_GONE; z.ZodError and SyntaxError for what is none.
 */
export function readWatchLine(text: string): WatchLine {
  const { type, object } = line.parse(JSON.parse(text));
  if (type === 'ERROR') throw statusError(failed.parse(object).code, object);
  const { uid, resourceVersion, annotations } = placed.parse(object).metadata;
  const whole = type === 'BOOKMARK' && annotations['k8s.io/initial-events-end'] === 'true';
  return { type: whole ? 'whole' : types[type], uid, resourceVersion, object };
}
