import { z } from 'zod';
import type { AnyResource, Kind, KindMap } from '../../knative/resources/kinds.ts';
import { apiVersion } from '../../knative/resources/meta.ts';
import { canonicalJson } from '../lib/canonical-json.ts';
import type { Clock } from '../lib/clock.ts';
import { CloverError } from '../lib/errors.ts';
import { isFinal } from '../lib/final-phase.ts';
import { parseLabelSelector } from '../lib/label-selector.ts';
import { isRecord } from '../lib/plain-value.ts';
import { transaction } from '../lib/transaction.ts';
import { admitChange, admitDocument, admitStatus, type Admitted } from './admission.ts';
import { createChangeLog } from './change-log.ts';
import { demandState, isOver, withDeletion, withDocument, withStatus } from './local-changes.ts';
import { openDatabase } from './local-schema.ts';
import { continueToken, pageStart } from './list-page.ts';
import type {
  ApplyInput,
  ApplyOptions,
  ListOptions,
  ResourceList,
  ResourceStore,
} from './store.ts';
import { anyResource, label, like, ofKind } from './stored-resource.ts';

/** Options of {@link createLocalStore}. */
export interface LocalStoreOptions {
  /** A file, made if it is missing, or `:memory:`. */
  readonly path: string;
  readonly clock: Clock;
  /** Number of newest changes from which a watch can go on. Default: 10,000. */
  readonly keepChanges?: number;
}

const row = z.object({ body: z.string() });
const counted = z.object({ count: z.int() });

/** Objects in one SQLite file, for one process: an answered write is on the disk. */
export function createLocalStore({
  path,
  clock,
  keepChanges = 10_000,
}: LocalStoreOptions): ResourceStore {
  const db = openDatabase(path);
  const log = createChangeLog(db, keepChanges);
  const selectOne = db.prepare(
    'SELECT body FROM objects WHERE kind = ? AND namespace = ? AND name = ?',
  );
  const selectAfter = db.prepare(
    `SELECT body FROM objects WHERE kind = ?1 AND (?2 IS NULL OR namespace = ?2)
     AND (?5 IS NULL OR name = ?5) AND (namespace, name) > (?3, ?4) ORDER BY namespace, name`,
  );
  const countAfter = db.prepare(
    `SELECT count(*) AS count FROM objects WHERE kind = ?1 AND (?2 IS NULL OR namespace = ?2)
     AND (namespace, name) > (?3, ?4)`,
  );
  const upsert = db.prepare(
    `INSERT INTO objects (kind, namespace, name, manager, body) VALUES (?1, ?2, ?3, ?4, ?5)
     ON CONFLICT DO UPDATE SET manager = ?4, body = ?5`,
  );
  const remove = db.prepare('DELETE FROM objects WHERE kind = ? AND namespace = ? AND name = ?');
  let open = true;

  function find(kind: Kind, namespace: string, name: string): AnyResource | undefined {
    const found = selectOne.get(kind, namespace, name);
    return found === undefined ? undefined : read(found);
  }

  function demand(kind: Kind, namespace: string, name: string): AnyResource {
    const found = find(kind, namespace, name);
    if (found !== undefined) return found;
    throw new CloverError('CLV_NOT_FOUND', `${label(kind, namespace, name)} does not exist`);
  }

  function page<K extends Kind>(
    kind: K,
    namespace: string | undefined,
    { labelSelector, name, fields = {}, unfinished = false, limit, continue: next }: ListOptions,
  ): ResourceList<K> {
    const scope = { kind, namespace, labelSelector, name, fields, unfinished };
    const hasLabels = parseLabelSelector(labelSelector ?? '');
    const selects = (object: AnyResource): boolean =>
      hasLabels(object.metadata.labels) &&
      Object.entries(fields).every(([field, value]) => textAt(object, field) === value) &&
      !(unfinished && isFinished(object));
    const isSelection =
      unfinished ||
      ![labelSelector, name, ...Object.keys(fields)].every((each) => each === undefined);
    const start = next === undefined ? undefined : pageStart(scope, next);
    if (start !== undefined) log.demandKept(start.version);
    const version = start?.version ?? log.version();
    const from = [start?.namespace ?? '', start?.name ?? ''] as const;
    const items: KindMap[K][] = [];
    for (const found of selectAfter.iterate(kind, namespace ?? null, ...from, name ?? null)) {
      const object = ofKind(kind, read(found));
      if (!selects(object)) continue;
      const last = items.at(-1);
      if (items.length === limit && last !== undefined) {
        const { metadata } = last;
        const behind = [kind, namespace ?? null, metadata.namespace, metadata.name] as const;
        return {
          items,
          resourceVersion: String(version),
          continue: continueToken(scope, version, last),
          // As in Kubernetes: with a selector nobody counts.
          ...(isSelection
            ? {}
            : { remainingItemCount: counted.parse(countAfter.get(...behind)).count }),
        };
      }
      items.push(object);
    }
    return { items, resourceVersion: String(version) };
  }

  function put(type: 'ADDED' | 'MODIFIED', object: AnyResource, manager: string): AnyResource {
    const stored = log.append(type, object);
    const { namespace, name } = stored.metadata;
    upsert.run(stored.kind, namespace, name, manager, JSON.stringify(stored));
    return stored;
  }

  function drop(object: AnyResource): AnyResource {
    remove.run(object.kind, object.metadata.namespace, object.metadata.name);
    return log.append('DELETED', object);
  }

  function write<T>(work: () => T): T {
    const before = log.version();
    const result = transaction(db, work);
    if (log.version() !== before) log.announce();
    return result;
  }

  function apply(
    input: ApplyInput,
    admitted: Admitted,
    { manager, dryRun = false, resourceVersion }: ApplyOptions,
  ): AnyResource {
    const { kind } = input;
    const { namespace, name } = admitted.metadata;
    const existing = find(kind, namespace, name);
    if (resourceVersion !== undefined) {
      demandState(label(kind, namespace, name), { resourceVersion }, existing);
    }
    admitChange(kind, admitted, existing);
    const wanted = withDocument(kind, admitted, existing, clock.now());
    if (existing !== undefined && canonicalJson(wanted) === canonicalJson(existing))
      return existing;
    if (dryRun) return wanted;
    return put(existing === undefined ? 'ADDED' : 'MODIFIED', wanted, manager);
  }

  // Methods are async so that what SQLite throws reaches the caller as a rejection.
  return {
    async get(kind, namespace, name) {
      const found = find(kind, namespace, name);
      return found === undefined ? undefined : ofKind(kind, found);
    },

    async list(kind, namespace, options = {}) {
      return page(kind, namespace, options);
    },

    watch: (kind, resourceVersion, options) => log.watch(kind, resourceVersion, options),

    async applySpec(input, options) {
      const { kind, metadata, spec } = input;
      const admitted = admitDocument(kind, { apiVersion, kind, metadata: defined(metadata), spec });
      return write(() => apply(input, admitted, options));
    },

    async patchStatus(object, status, finalizers) {
      return write(() => {
        const { kind } = object;
        const current = demand(kind, object.metadata.namespace, object.metadata.name);
        const { uid, resourceVersion, namespace, name } = object.metadata;
        demandState(label(kind, namespace, name), { uid, resourceVersion }, current);
        const next = withStatus(current, status, finalizers);
        admitStatus(next);
        if (isOver(next)) return like(object, drop(next));
        if (canonicalJson(next) === canonicalJson(current)) return like(object, current);
        return like(object, put('MODIFIED', next, 'status'));
      });
    },

    async delete(kind, namespace, name, preconditions = {}) {
      return write(() => {
        const current = demand(kind, namespace, name);
        demandState(label(kind, namespace, name), preconditions, current);
        if ((current.metadata.finalizers ?? []).length === 0) return drop(current);
        const marked = withDeletion(current, clock.now());
        return marked === current ? current : put('MODIFIED', marked, 'delete');
      });
    },

    async close() {
      if (!open) return;
      open = false;
      log.close();
      db.close();
    },
  };
}

function isFinished({ status }: AnyResource): boolean {
  return 'phase' in status && isFinal(status.phase);
}

/** The text at a path; of a field that is not there it is the empty one, as on Kubernetes. */
function textAt(object: AnyResource, path: string): string {
  let value: unknown = object;
  for (const key of path.split('.')) value = isRecord(value) ? value[key] : undefined;
  return typeof value === 'string' ? value : '';
}

function read(found: unknown): AnyResource {
  const body: unknown = JSON.parse(row.parse(found).body);
  return anyResource(body);
}

function defined(value: object): unknown {
  const entries: [string, unknown][] = Object.entries(value);
  return Object.fromEntries(entries.filter(([, inner]) => inner !== undefined));
}
