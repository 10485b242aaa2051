import { z } from 'zod';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { CloverError } from '../../functions/lib/errors.ts';
import { objectPath, type Place } from './collections.ts';

const live = z.looseObject({
  metadata: z.looseObject({
    uid: z.string(),
    /** Absent of what a dry run would make. */
    resourceVersion: z.string().optional(),
    generation: z.int().optional(),
    labels: z.record(z.string(), z.string()).default({}),
    deletionTimestamp: z.string().optional(),
  }),
});

/** An object as a cluster has it. */
export type LiveObject = z.output<typeof live>;

/** Reads what an API server answered. */
export function liveObject(value: unknown): LiveObject {
  return live.parse(value);
}

/** The object, or undefined where there is none, or no such kind. */
export async function findLive(client: KubeClient, place: Place): Promise<LiveObject | undefined> {
  const found = await found404(client.call({ method: 'GET', path: objectPath(place) }));
  return found === undefined ? undefined : liveObject(found);
}

/** An answer, or undefined if there is nothing at its path. */
export async function found404<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof CloverError && error.code === 'CLV_NOT_FOUND') return undefined;
    throw error;
  }
}

/** An answer; undefined where there is none, or where one may not look. */
export async function readable(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await found404(answer);
  } catch (error) {
    if (error instanceof CloverError && error.code === 'CLV_KUBERNETES_FORBIDDEN') return undefined;
    throw error;
  }
}
