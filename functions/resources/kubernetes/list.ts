import { z } from 'zod';
import { CloverError } from '../../lib/errors.ts';
import { finalPhases } from '../../lib/final-phase.ts';
import type { ListOptions } from '../store.ts';
import { readAnswer } from './answer.ts';
import type { KubeClient } from './client.ts';

const page = z.object({
  metadata: z.object({
    resourceVersion: z.string(),
    continue: z.string().optional(),
    remainingItemCount: z.int().optional(),
  }),
  items: z.array(z.unknown()),
});

/** A page of a collection, its objects as they came. */
export interface KubeList {
  readonly items: readonly unknown[];
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

/**
 * @param path of the collection.
 * @throws CloverError CLV_ARGUMENT_INVALID for a bad `continue`; CLV_RESOURCE_GONE for one that is too old; CLV_INTERNAL for what is
 * no list.
 */
export async function list(
  client: KubeClient,
  path: string,
  { labelSelector, name, fields = {}, unfinished = false, limit, continue: next }: ListOptions,
): Promise<KubeList> {
  const selected = [
    ...(name === undefined ? [] : [`metadata.name=${name}`]),
    ...Object.entries(fields).map(([field, value]) => `${field}=${value}`),
    ...(unfinished ? [...finalPhases].map((phase) => `status.phase!=${phase}`) : []),
  ];
  const query = {
    labelSelector,
    fieldSelector: selected.length === 0 ? undefined : selected.join(','),
    limit: limit === undefined ? undefined : String(limit),
    continue: next,
  };
  const answered = await client.call({ method: 'GET', path, query }).catch((error: unknown) => {
    throw next !== undefined && isArgument(error) ? badContinue(error) : error;
  });
  const { metadata, items } = readAnswer(page, answered, 'a list');
  const { resourceVersion, continue: more, remainingItemCount } = metadata;
  return {
    items,
    resourceVersion,
    ...(more === undefined || more === '' ? {} : { continue: more }),
    ...(remainingItemCount === undefined ? {} : { remainingItemCount }),
  };
}

const isArgument = (error: unknown): error is CloverError =>
  error instanceof CloverError && error.code === 'CLV_ARGUMENT_INVALID';

function badContinue({ message }: CloverError): CloverError {
  return new CloverError('CLV_ARGUMENT_INVALID', `continue: ${message}`, {
    details: [{ field: 'continue', message }],
  });
}
