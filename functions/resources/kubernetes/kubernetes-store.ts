import { apiVersion } from '../../../knative/resources/meta.ts';
import type { AnyResource, Kind } from '../../../knative/resources/kinds.ts';
import { canonicalJson } from '../../lib/canonical-json.ts';
import { CloverError } from '../../lib/errors.ts';
import { parseLabelSelector } from '../../lib/label-selector.ts';
import { isRecord } from '../../lib/plain-value.ts';
import { demandVersion } from '../../lib/resource-version.ts';
import { kindInfo } from '../kind-info.ts';
import { anyResource, label, like, ofKind } from '../stored-resource.ts';
import type { ResourceStore } from '../store.ts';
import type { KubeCall, KubeClient } from './client.ts';
import { list } from './list.ts';
import { unknownField } from './status-error.ts';
import { watchCollection } from './watch.ts';

/** It brings the schemas of all kinds, which nobody needs who only reads: a fifth of a cold start. */
const admission = () => import('../admission.ts');

/** Who writes statuses and finalizers, as managedFields names it. */
const statusManager = 'clover-status';

/**
 * Objects as custom resources of a Kubernetes API server. Specs are written by server-side apply; the CRDs have `spec` as
 * one atomic field, so that the last manager has the whole of it.
 */
export function createKubernetesStore(client: KubeClient): ResourceStore {
  const closing = new AbortController();

  const find = async (
    kind: Kind,
    namespace: string,
    name: string,
  ): Promise<AnyResource | undefined> => {
    try {
      return stored(await client.call({ method: 'GET', path: pathOf(kind, namespace, name) }));
    } catch (error) {
      if (error instanceof CloverError && error.code === 'CLV_NOT_FOUND') return undefined;
      throw error;
    }
  };

  const write = async (call: KubeCall): Promise<AnyResource> => stored(await client.call(call));

  /**
   * What a server-side apply has to name to keep to a version. One that names a version alone makes the object where there is none:
   * so a version that no object can have makes it only if there is none, and the uid says that there has to be one.
   * @throws CloverError CLV_CONFLICT.
   */
  const identityOf = async (
    kind: Kind,
    { namespace, name }: { readonly namespace: string; readonly name: string },
    resourceVersion: string | undefined,
  ): Promise<object> => {
    if (resourceVersion === undefined) return {};
    if (resourceVersion === '') return { resourceVersion: '1' };
    const found = await find(kind, namespace, name);
    if (found?.metadata.resourceVersion === resourceVersion) {
      return { resourceVersion, uid: found.metadata.uid };
    }
    const message = `${label(kind, namespace, name)} has not the resource version ${resourceVersion}: read it again`;
    throw new CloverError('CLV_CONFLICT', message);
  };

  const writeFinalizers = (
    { kind, metadata }: AnyResource,
    finalizers: readonly string[],
  ): Promise<AnyResource> => {
    const { namespace, name, uid, resourceVersion } = metadata;
    return write({
      method: 'PATCH',
      path: pathOf(kind, namespace, name),
      contentType: 'application/merge-patch+json',
      query: { fieldManager: statusManager },
      body: {
        metadata: { uid, resourceVersion, finalizers: finalizers.length > 0 ? finalizers : null },
      },
    });
  };

  const writeStatus = async (object: AnyResource, status: unknown): Promise<AnyResource> => {
    const { namespace, name } = object.metadata;
    const body = { ...object, status };
    const put = (fieldValidation: 'Strict' | 'Ignore'): Promise<AnyResource> =>
      write({
        method: 'PUT',
        path: `${pathOf(object.kind, namespace, name)}/status`,
        query: { fieldManager: statusManager, fieldValidation },
        body,
      });
    try {
      return await put('Strict');
    } catch (error) {
      if (!(await isOlderDefinition(error, anyResource(body)))) throw error;
      // Who rolls back must not wait for the definitions: they lose what they do not know, and nothing else.
      return put('Ignore');
    }
  };

  return {
    async get(kind, namespace, name) {
      const found = await find(kind, namespace, name);
      return found === undefined ? undefined : ofKind(kind, found);
    },

    async list(kind, namespace, options = {}) {
      // The server's own message does not name the parameter.
      parseLabelSelector(options.labelSelector ?? '');
      const page = await list(client, collectionOf(kind, namespace), options);
      return { ...page, items: page.items.map((item) => ofKind(kind, stored(item))) };
    },

    async *watch(kind, from, { signal: ended }) {
      demandVersion(from);
      const signal = AbortSignal.any([ended, closing.signal]);
      const options = { path: collectionOf(kind), from, signal };
      for await (const { type, object } of watchCollection(client, options)) {
        yield { type, object: stored(object) };
      }
    },

    async applySpec({ kind, metadata, spec }, { manager, dryRun = false, resourceVersion }) {
      const { labels, annotations, name, namespace } = metadata;
      const named = {
        name,
        namespace,
        ...(labels === undefined ? {} : { labels }),
        ...(annotations === undefined ? {} : { annotations }),
      };
      const document = { apiVersion, kind, metadata: named, spec };
      // The same rules with the same words as everywhere, and those that the server's schema cannot say.
      const { admitDocument } = await admission();
      admitDocument(kind, document);
      const identity = await identityOf(kind, named, resourceVersion);
      return write({
        method: 'PATCH',
        path: pathOf(kind, namespace, name),
        contentType: 'application/apply-patch+yaml',
        query: {
          fieldManager: manager,
          fieldValidation: 'Strict',
          force: 'true',
          dryRun: dryRun ? 'All' : undefined,
        },
        body: { ...document, metadata: { ...named, ...identity } },
      });
    },

    async patchStatus(object, status, finalizers) {
      const { finalizers: before = [] } = object.metadata;
      const after = finalizers ?? before;
      const isNew = after.some((name) => !before.includes(name));
      let current: AnyResource = object;
      // They are two writes. A finalizer stands before a status that rests on it, and goes after the status that ends it.
      if (isNew) current = await writeFinalizers(current, after);
      if (canonicalJson(status) !== canonicalJson(object.status)) {
        current = await writeStatus(current, status);
      }
      if (!isNew && canonicalJson(before) !== canonicalJson(after)) {
        current = await writeFinalizers(current, after);
      }
      return like(object, current);
    },

    async delete(kind, namespace, name, preconditions = {}) {
      const found = await find(kind, namespace, name);
      if (found === undefined) {
        throw new CloverError('CLV_NOT_FOUND', `${label(kind, namespace, name)} does not exist`);
      }
      const answer = await client.call({
        method: 'DELETE',
        path: pathOf(kind, namespace, name),
        body: {
          apiVersion: 'v1',
          kind: 'DeleteOptions',
          preconditions: { uid: found.metadata.uid, ...preconditions },
          propagationPolicy: 'Background',
        },
      });
      // Of what is gone at once the server answers with a Status.
      return isRecord(answer) && answer['kind'] === kind ? stored(answer) : found;
    },

    async close() {
      closing.abort();
    },
  };
}

/** The server does not know fields of the status, and we do: it has the definition of an earlier version. */
async function isOlderDefinition(error: unknown, object: AnyResource): Promise<boolean> {
  if (!(error instanceof CloverError) || error.code !== 'CLV_RESOURCE_INVALID') return false;
  const isAll = error.details.every(({ message }) => message === unknownField);
  if (error.details.length === 0 || !isAll) return false;
  const { admitStatus } = await admission();
  try {
    admitStatus(object);
    return true;
  } catch {
    return false;
  }
}

function collectionOf(kind: Kind, namespace?: string): string {
  const { plural } = kindInfo(kind);
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `/apis/${apiVersion}${scope}/${plural}`;
}

function pathOf(kind: Kind, namespace: string, name: string): string {
  return `${collectionOf(kind, namespace)}/${encodeURIComponent(name)}`;
}

/** An object without what the server keeps for itself; one that nobody has looked at yet has no status there. */
function stored(value: unknown): AnyResource {
  if (!isRecord(value) || !isRecord(value['metadata'])) return anyResource(value);
  const { managedFields: _, ...metadata } = value['metadata'];
  // What a dry run would make has no version.
  return anyResource({ status: {}, ...value, metadata: { resourceVersion: '0', ...metadata } });
}
