import type { Access } from '../resources/kubernetes/guard.ts';
import type { Operation } from './operation.ts';

/** A request, as far as it says what it is for. */
export interface Asked {
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
}

/**
 * What a caller has to be allowed for a request; nothing: whoever comes may have it. As an API server reads requests itself: a path that
 * is no resource is asked for with the method as its verb, and a list that goes on is a watch.
 */
export function accessOf({ needs, method }: Operation, asked: Asked): readonly Access[] {
  const { path, params, query } = asked;
  if (needs === 'nothing') return [];
  if (needs === undefined || 'path' in needs) return [{ verb: method, path: needs?.path ?? path }];
  const { apiVersion, resource, verbs, name: named = 'name' } = needs;
  const [group = ''] = apiVersion.split('/');
  const { namespace, [named]: name } = params;
  const of = {
    group,
    resource,
    ...(namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
  };
  const isFollowed = isWatch(query);
  return verbs.map((verb) =>
    Object.assign({ verb: verb === 'list' && isFollowed ? 'watch' : verb }, of),
  );
}

/** What is neither is refused afterwards. */
const isWatch = (query: URLSearchParams): boolean =>
  !['false', '0'].includes(query.get('watch') ?? 'false');
