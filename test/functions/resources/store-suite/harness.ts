import type { ExecutionContext } from 'ava';
import { CloverError } from '../../../../functions/lib/errors.ts';
import type {
  ApplyInput,
  ResourceEvent,
  ResourceStore,
} from '../../../../functions/resources/store.ts';
import type { AnyResource, Kind, KindMap } from '../../../../knative/resources/kinds.ts';
import { examples } from '../examples.ts';

/** A store under test, and what may happen to it. */
export interface StoreHarness {
  readonly store: ResourceStore;
  /** Two namespaces of this test alone, in the order of their names. */
  readonly namespaces: readonly [string, string];
  /** Makes every resource version of before too old for a watch. */
  forceGone(): Promise<void>;
  /** Breaks what open watches are connected by; nothing where there is no connection. */
  cutWatches(): Promise<void>;
}

/** Declares a test, as ava's `test` and its modifiers do. */
export type Declare = (title: string, run: (t: ExecutionContext) => Promise<void>) => void;

/** Opens a store for one test, and closes it with the test. */
export type OpenStore = (t: ExecutionContext) => Promise<StoreHarness>;

/** The manager of most applies. */
export const by = { manager: 'suite' };

/** A Tap. */
export function tapOf(
  namespace: string,
  name: string,
  { port = 80, labels }: { readonly port?: number; readonly labels?: Record<string, string> } = {},
): ApplyInput {
  const metadata = { name, namespace, ...(labels === undefined ? {} : { labels }) };
  return { kind: 'Tap', metadata, spec: { ports: [port] } };
}

/** A TrafficPolicy. */
export function policyOf(namespace: string, name = 'proxy'): ApplyInput {
  return {
    kind: 'TrafficPolicy',
    metadata: { name, namespace },
    spec: examples.TrafficPolicy.spec,
  };
}

/** An object that has to be there. */
export async function demand<K extends Kind>(
  store: ResourceStore,
  kind: K,
  namespace: string,
  name: string,
): Promise<KindMap[K]> {
  const found = await store.get(kind, namespace, name);
  if (found === undefined) throw new Error(`${kind} ${namespace}/${name} is missing`);
  return found;
}

/** Gives a stored TrafficPolicy finalizers. */
export async function hold(
  { store, namespaces: [namespace] }: StoreHarness,
  ...finalizers: string[]
): Promise<KindMap['TrafficPolicy']> {
  const policy = await demand(store, 'TrafficPolicy', namespace, 'proxy');
  return store.patchStatus<'TrafficPolicy'>(policy, policy.status, finalizers);
}

/** Events of a watch, up to and with the first one that is `last`. */
export async function follow(
  open: () => AsyncIterable<ResourceEvent, unknown, unknown>,
  last: (event: ResourceEvent) => boolean,
): Promise<ResourceEvent[]> {
  const seen: ResourceEvent[] = [];
  for await (const event of open()) {
    seen.push(event);
    if (last(event)) break;
  }
  return seen;
}

/** Recognises the event of an object's creation; a test ends a watch by creating it. */
export function isCreated(name: string): (event: ResourceEvent) => boolean {
  return ({ type, object }) => type === 'ADDED' && object.metadata.name === name;
}

/** `<kind> <name>: <type> …` of each object in order; what may be told as one or as several is told as one. */
export function stories(events: readonly ResourceEvent[]): string[] {
  const byObject = Map.groupBy(events, ({ object }) => `${object.kind} ${object.metadata.name}`);
  return [...byObject]
    .map(([object, own]) => {
      const types = own
        .map(({ type }) => type)
        .filter((type, index, all) => type !== 'MODIFIED' || all[index - 1] !== type);
      return `${object}: ${types.join(' ')}`;
    })
    .toSorted();
}

/** The code of the CloverError that a promise is rejected with, and the fields that it names. */
export async function refusal(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof CloverError)) throw error;
    const fields = error.details.map(({ field }) => field).sort();
    return [error.code, ...fields].join(' ');
  }
  return 'no refusal';
}

/** Names of objects. */
export const named = (objects: readonly AnyResource[]): string[] =>
  objects.map(({ metadata }) => metadata.name);
