import type { Clock } from '../lib/clock.ts';
import { CloverError } from '../lib/errors.ts';
import type { ResourceEvent } from '../resources/store.ts';
import { createPauses } from './client-follow.ts';
import { linesOf } from './client-text.ts';
import { watchLine } from './schemas/resources.ts';
import type { Transport } from './transport.ts';

/** What can be watched. */
interface Watched {
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    readonly resourceVersion: string;
  };
}

/** One change of what is watched. */
interface Change<T> {
  readonly type: ResourceEvent['type'];
  readonly object: T;
}

/** What a client's watch follows. */
export interface WatchRequest<T extends Watched> {
  /** Checks an object of the stream. */
  readonly read: (body: unknown) => T;
  readonly signal: AbortSignal;
  /** What the caller has seen: the first list is told as what has changed of it. */
  readonly known?: readonly T[] | undefined;
  readonly list: () => Promise<{
    readonly items: readonly T[];
    readonly resourceVersion: string;
  }>;
  /** Path of the collection with `watch=true`; the version is added. */
  readonly path: (resourceVersion: string) => string;
}

/**
 * First everything as ADDED, or as the difference to `known`, then every change, until the signal aborts. A broken stream is taken up
 * where it stopped; when that is too long ago, the list is read again and the difference told.
 * @throws CloverError when the server refuses, or does not answer at the very first.
 */
export async function* followWatch<T extends Watched>(
  transport: Transport,
  clock: Clock,
  request: WatchRequest<T>,
): AsyncGenerator<Change<T>, void, void> {
  const { signal } = request;
  const known = new Map((request.known ?? []).map((object) => [keyOf(object), object]));
  let position: string | undefined;
  let started = false;
  const pauses = createPauses(clock);

  async function* attempt(): AsyncGenerator<Change<T>, void, void> {
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
      const object = request.read(parsed.object);
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

const keyOf = ({ metadata: { namespace, name } }: Watched): string => `${namespace}/${name}`;

/** What happened between two lists, told as events; `known` is brought up to date. */
function* difference<T extends Watched>(
  known: Map<string, T>,
  items: readonly T[],
): Generator<Change<T>> {
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
