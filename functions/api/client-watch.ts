import type { AnyResource, Kind } from '../../knative/resources/kinds.ts';
import type { Clock } from '../lib/clock.ts';
import { CloverError } from '../lib/errors.ts';
import { anyResource } from '../resources/stored-resource.ts';
import type { ResourceEvent } from '../resources/store.ts';
import { createPauses } from './client-follow.ts';
import { linesOf } from './client-text.ts';
import { watchLine } from './schemas/resources.ts';
import type { Transport } from './transport.ts';

/** What a client's watch follows. */
export interface WatchRequest {
  readonly kind: Kind;
  readonly signal: AbortSignal;
  readonly list: () => Promise<{
    readonly items: readonly AnyResource[];
    readonly resourceVersion: string;
  }>;
  /** Path of the collection with `watch=true`; the version is added. */
  readonly path: (resourceVersion: string) => string;
}

/**
 * First everything as ADDED, then every change, until the signal aborts. A broken stream is taken up
 * where it stopped; when that is too long ago, the list is read again and the difference told.
 * @throws CloverError when the server refuses, or does not answer at the very first.
 */
export async function* followWatch(
  transport: Transport,
  clock: Clock,
  request: WatchRequest,
): AsyncGenerator<ResourceEvent> {
  const { signal } = request;
  const known = new Map<string, AnyResource>();
  let position: string | undefined;
  let started = false;
  const pauses = createPauses(clock);

  async function* attempt(): AsyncGenerator<ResourceEvent> {
    if (position === undefined) {
      const { items, resourceVersion } = await request.list();
      yield* difference(known, items);
      position = resourceVersion;
      started = true;
    }
    for await (const line of linesOf(await transport.open(request.path(position), { signal }))) {
      const parsed = watchLine.parse(JSON.parse(line));
      pauses.reset();
      if (parsed.type === 'ERROR') {
        const { code, detail = code, details } = parsed.object;
        throw new CloverError(code, detail, { details });
      }
      if (parsed.type === 'BOOKMARK') {
        position = parsed.object.metadata.resourceVersion;
        continue;
      }
      const object = anyResource(parsed.object);
      position = object.metadata.resourceVersion;
      if (parsed.type === 'DELETED') known.delete(keyOf(object));
      else known.set(keyOf(object), object);
      yield { type: parsed.type, object };
    }
  }

  while (!signal.aborted) {
    try {
      yield* attempt();
    } catch (error) {
      if (signal.aborted) return;
      const code = error instanceof CloverError ? error.code : undefined;
      if (code === 'CLV_RESOURCE_GONE') position = undefined;
      else if (code !== 'CLV_CONTROL_PLANE_UNREACHABLE' || !started) throw error;
    }
    await pauses.wait(signal);
  }
}

const keyOf = ({ metadata: { namespace, name } }: AnyResource): string => `${namespace}/${name}`;

/** What happened between two lists, told as events; `known` is brought up to date. */
function* difference(
  known: Map<string, AnyResource>,
  items: readonly AnyResource[],
): Generator<ResourceEvent> {
  const listed = new Set(items.map(keyOf));
  for (const [key, object] of known) {
    if (listed.has(key)) continue;
    known.delete(key);
    yield { type: 'DELETED', object };
  }
  for (const object of items) {
    const before = known.get(keyOf(object));
    known.set(keyOf(object), object);
    if (before === undefined) yield { type: 'ADDED', object };
    else if (before.metadata.resourceVersion !== object.metadata.resourceVersion) {
      yield { type: 'MODIFIED', object };
    }
  }
}
