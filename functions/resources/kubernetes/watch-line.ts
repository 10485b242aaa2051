import { z } from 'zod';
import { parseAnswer, readAnswer } from './answer.ts';
import { statusError } from './status-error.ts';

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
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  /** Empty for a bookmark. */
  readonly uid: string;
  readonly resourceVersion: string;
  /** A bookmark behind all that there was at the start, where that was asked for (KEP-3157). */
  readonly isWhole: boolean;
  readonly object: unknown;
}

/**
 * Reads a line of a watch.
 * @throws CloverError what an ERROR line says, such as CLV_RESOURCE_GONE; CLV_INTERNAL for what is no line of a watch.
 */
export function readWatchLine(text: string): WatchLine {
  const what = 'a line of a watch';
  const { type, object } = readAnswer(line, parseAnswer(text), what);
  if (type === 'ERROR') throw statusError(readAnswer(failed, object, what).code, object);
  const { uid, resourceVersion, annotations } = readAnswer(placed, object, what).metadata;
  const isWhole = type === 'BOOKMARK' && annotations['k8s.io/initial-events-end'] === 'true';
  return { type, uid, resourceVersion, isWhole, object };
}
