import type { ApiClient } from '../functions/api/client.ts';
import { CloverError } from '../functions/lib/errors.ts';
import { kinds, type AnyResource } from '../knative/resources/kinds.ts';
import { isMarked } from './applied-mark.ts';
import type { Manifest } from './documents.ts';
import type { DryRun, Selector } from './object-options.ts';

/** Which objects a set of documents leaves over. */
export interface PruneRequest {
  /** The documents that were given; none of their objects is pruned, whatever its labels are now. */
  readonly given: readonly Manifest[];
  /** The documents that were applied: what is left over in their namespaces is pruned. */
  readonly applied: readonly Manifest[];
  readonly selector: Selector;
  /** What is left over in other namespaces is pruned, too. */
  readonly allNamespaces: boolean;
}

/** What a set leaves over. */
export interface LeftOver {
  /** Is pruned. */
  readonly pruned: readonly AnyResource[];
  /** Stays, because the set has no document of its namespace: it may be of another set with the same labels. */
  readonly elsewhere: readonly AnyResource[];
}

/**
 * The objects that an earlier `cloverctl apply` made and the set names no more: of kinds that users write, with the labels
 * that the selector asks for. What depends on others comes first.
 */
export async function leftOver(
  client: ApiClient,
  { given, applied, selector, allNamespaces }: PruneRequest,
): Promise<LeftOver> {
  const named = new Set(
    given.map(({ document: { kind, metadata }, namespace }) => key(kind, namespace, metadata.name)),
  );
  const found: AnyResource[] = [];
  // By their alphabet experiments stand before the policies that they need.
  for (const { kind } of kinds.filter(({ writable }) => writable)) {
    const query = { labelSelector: selector.text };
    for await (const { items } of client.pages(kind, undefined, query)) found.push(...items);
  }
  const left = found.filter(
    (object) =>
      isMarked(object) &&
      object.metadata.deletionTimestamp === undefined &&
      !named.has(key(object.kind, object.metadata.namespace, object.metadata.name)),
  );
  const own = new Set(applied.map((manifest) => manifest.namespace));
  const isOwn = ({ metadata }: AnyResource): boolean =>
    allNamespaces || own.has(metadata.namespace);
  return { pruned: left.filter(isOwn), elsewhere: left.filter((object) => !isOwn(object)) };
}

/**
 * Refuses a prune that could take away more than is meant.
 * @throws CloverError CLV_ARGUMENT_INVALID.
 */
export function demandPrunable({
  selector,
  dryRun,
}: {
  readonly selector?: Selector;
  readonly dryRun: DryRun;
}): void {
  // What selects an object without labels, as !old does, names no set.
  if (selector === undefined || selector.selects(undefined)) {
    throw new CloverError(
      'CLV_ARGUMENT_INVALID',
      '--prune needs -l with a label that all documents of the set have, such as -l app=shop: without one it would delete what other sets have applied',
    );
  }
  if (dryRun !== 'client') return;
  const message = '--prune needs to know what is stored: use --dry-run=server';
  throw new CloverError('CLV_ARGUMENT_INVALID', message);
}

const key = (kind: string, namespace: string, name: string): string =>
  `${kind}/${namespace}/${name}`;
