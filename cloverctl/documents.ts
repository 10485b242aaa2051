import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { kinds, type Kind } from '../knative/resources/kinds.ts';
import { apiVersion } from '../knative/resources/meta.ts';
import { CloverError } from '../functions/lib/errors.ts';
import { fieldErrors } from '../functions/resources/field-errors.ts';
import type { CliEnv } from './env.ts';

const manifest = z.looseObject({
  apiVersion: z.literal(apiVersion),
  kind: z.enum(kinds.map(({ kind }) => kind)),
  metadata: z.looseObject({ name: z.string().min(1), namespace: z.string().min(1).optional() }),
});

/** One document of a file, as far as it has to be known to send it. */
export interface Manifest {
  readonly document: z.output<typeof manifest> & { readonly kind: Kind };
  /** `policy.yaml`, or `policy.yaml document 2`. */
  readonly where: string;
}

/**
 * Every document of files, of the YAML and JSON files of folders in alphabetical order, and of stdin, in the order of the
 * paths.
 * @param namespace Stands in where a document names none.
 * @throws CloverError CLV_RESOURCE_INVALID, CLV_ARGUMENT_INVALID with file and line.
 */
export async function readManifests(
  paths: readonly string[],
  env: CliEnv,
  namespace = 'default',
): Promise<Manifest[]> {
  const manifests: Manifest[] = [];
  for (const path of paths) manifests.push(...(await readPath(path, env, namespace)));
  return manifests;
}

async function readPath(path: string, env: CliEnv, namespace: string): Promise<Manifest[]> {
  const sources =
    path === '-' ? [{ name: 'stdin', body: await text(env.stdin) }] : await readFiles(path);
  const { parseAllDocuments } = await import('yaml');
  const found = sources.flatMap(({ name, body }) => {
    const documents = [...parseAllDocuments(body)];
    return documents.flatMap((parsed, index) => {
      const where = documents.length > 1 ? `${name} document ${index + 1}` : name;
      const [error] = parsed.errors;
      if (error !== undefined) {
        throw new CloverError('CLV_ARGUMENT_INVALID', `${where} is not YAML: ${error.message}`);
      }
      const value: unknown = parsed.toJS();
      return value === null ? [] : unfold(value).map((item) => check(item, where, namespace));
    });
  });
  if (found.length > 0) return found;
  throw new CloverError('CLV_ARGUMENT_INVALID', `${path} holds no document`);
}

async function readFiles(path: string): Promise<{ name: string; body: string }[]> {
  try {
    const isFolder = (await stat(path)).isDirectory();
    const names = isFolder
      ? (await readdir(path))
          .filter((name) => /\.(?:ya?ml|json)$/.test(name))
          .sort()
          .map((name) => join(path, name))
      : [path];
    return await Promise.all(
      names.map(async (name) => ({ name, body: await readFile(name, 'utf8') })),
    );
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CloverError('CLV_ARGUMENT_INVALID', `cannot read ${path}: ${reason}`, { cause });
  }
}

const listDocument = z.looseObject({
  kind: z.string().endsWith('List'),
  items: z.array(z.unknown()),
});

/** The items of a list such as `get -o yaml` writes, else the document itself. */
function unfold(value: unknown): unknown[] {
  const list = listDocument.safeParse(value);
  return list.success ? list.data.items : [value];
}

function check(value: unknown, where: string, namespace: string): Manifest {
  const parsed = manifest.safeParse(value);
  if (parsed.success) {
    const { metadata } = parsed.data;
    return { document: { ...parsed.data, metadata: { namespace, ...metadata } }, where };
  }
  const details = fieldErrors(manifest, value, parsed.error.issues);
  const [first] = details;
  const message = `${where} is no Clover resource: ${first?.field ?? ''}: ${first?.message ?? ''}`;
  throw new CloverError('CLV_RESOURCE_INVALID', message, { details });
}
