import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { z } from 'zod';
import { kinds, type Kind } from '../knative/resources/kinds.ts';
import { apiVersion } from '../knative/resources/meta.ts';
import { CloverError, type ErrorDetail } from '../functions/lib/errors.ts';
import { detailText } from '../functions/lib/problem-words.ts';
import { fieldErrors } from '../functions/resources/field-errors.ts';
import { documentValue } from './document-value.ts';
import type { CliEnv } from './env.ts';
import type { Selector } from './object-options.ts';
import { readFault } from './read-fault.ts';
import { utf8Text } from './utf8.ts';

const manifest = z.looseObject({
  apiVersion: z.literal(apiVersion),
  kind: z.enum(kinds.map(({ kind }) => kind)),
  metadata: z.looseObject({ name: z.string().min(1), namespace: z.string().min(1).nullish() }),
});

/** Wrong ones the control plane refuses with the others. */
const labels = z.record(z.string(), z.string()).catch({});

/** One document of a file, as far as it has to be known to send it. */
export interface Manifest {
  readonly document: z.output<typeof manifest> & {
    readonly kind: Kind;
    readonly metadata: { readonly namespace: string };
  };
  readonly namespace: string;
  /** `policy.yaml`, or `policy.yaml document 2`. */
  readonly where: string;
}

/** How documents are read. */
export interface ReadOptions {
  /** Stands in where a document names none. */
  readonly namespace: string;
  /** The namespace was asked for: a document that names another one is refused. */
  readonly onlyNamespace?: boolean;
  /** Folders with all their folders. */
  readonly recursive?: boolean | undefined;
}

/**
 * Every document of files, of the YAML and JSON files of folders in alphabetical order, and of stdin, in the order of the
 * paths.
 * @throws CloverError CLV_RESOURCE_INVALID, CLV_ARGUMENT_INVALID with file and line.
 */
export async function readManifests(
  paths: readonly string[],
  env: CliEnv,
  options: ReadOptions,
): Promise<Manifest[]> {
  const manifests: Manifest[] = [];
  for (const path of paths) manifests.push(...(await readPath(path, env, options)));
  return manifests;
}

/** The documents whose labels a selector asks for; of each that is left out, a warning. */
export function selectManifests(
  manifests: readonly Manifest[],
  selector: Selector | undefined,
  env: CliEnv,
): readonly Manifest[] {
  if (selector === undefined) return manifests;
  return manifests.filter(({ document: { kind, metadata }, where }) => {
    const selected = selector.selects(labels.parse(metadata['labels']));
    if (!selected) {
      env.stderr.write(
        `warning: ${where}: ${kind} ${metadata.name} is left out: its labels do not fit -l "${selector.text}"\n`,
      );
    }
    return selected;
  });
}

async function readPath(path: string, env: CliEnv, options: ReadOptions): Promise<Manifest[]> {
  const sources =
    path === '-'
      ? [{ name: 'stdin', body: await buffer(env.stdin) }]
      : await readFiles(path, options.recursive === true);
  const found = await Promise.all(
    sources.map(({ name, body }) =>
      parse(utf8Text(body, name, 'CLV_RESOURCE_INVALID'), name, options),
    ),
  );
  if (found.flat().length > 0) return found.flat();
  const name = path === '-' ? 'stdin' : path;
  throw new CloverError('CLV_ARGUMENT_INVALID', `${name} holds no document`);
}

/**
 * The documents of one text.
 * @param name What the text is called in errors.
 * @throws CloverError CLV_RESOURCE_INVALID, CLV_ARGUMENT_INVALID with the place.
 */
export async function parse(body: string, name: string, options: ReadOptions): Promise<Manifest[]> {
  const { parseAllDocuments } = await import('yaml');
  const documents = [...parseAllDocuments(body)];
  const manifests: Manifest[] = [];
  const refused: Refused[] = [];
  for (const [index, parsed] of documents.entries()) {
    const where = documents.length > 1 ? `${name} document ${index + 1}` : name;
    const value = await documentValue(parsed, body, where);
    for (const [item, place] of value === null ? [] : unfold(value, where)) {
      const checked = check(item, place, options);
      if ('details' in checked) refused.push(checked);
      else manifests.push(checked);
    }
  }
  if (refused.length > 0) throw refusal(name, refused);
  return manifests;
}

async function readFiles(
  path: string,
  recursive: boolean,
): Promise<{ name: string; body: Buffer }[]> {
  try {
    const isFolder = (await stat(path)).isDirectory();
    const names = isFolder ? await manifestsOf(path, recursive) : [path];
    return await Promise.all(names.map(async (name) => ({ name, body: await readFile(name) })));
  } catch (cause) {
    const message = `cannot read ${path}: ${readFault(cause)}`;
    throw new CloverError('CLV_ARGUMENT_INVALID', message, { cause });
  }
}

/** Folders by links are not entered: they may lead back. */
async function manifestsOf(folder: string, recursive: boolean): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (recursive) found.push(...(await manifestsOf(path, recursive)));
    } else if (/\.(?:ya?ml|json)$/.test(entry.name)) found.push(path);
  }
  return found;
}

const listDocument = z.looseObject({
  kind: z.string().endsWith('List'),
  items: z.array(z.unknown()),
});

/** The items of a list such as `get -o yaml` writes, else the document itself; each with its place. */
function unfold(value: unknown, where: string): readonly (readonly [unknown, string])[] {
  const list = listDocument.safeParse(value);
  if (!list.success) return [[value, where]];
  return list.data.items.map((item, index) => [item, `${where} items[${index}]`]);
}

/** What is no resource. */
interface Refused {
  readonly where: string;
  readonly details: readonly ErrorDetail[];
}

/** One error for all of them. */
function refusal(name: string, refused: readonly Refused[]): CloverError {
  const [first] = refused;
  if (first !== undefined && refused.length === 1) {
    const [detail = { field: '', message: '' }] = first.details;
    const message = `${first.where} is no Clover resource: ${detailText(detail)}`;
    return new CloverError('CLV_RESOURCE_INVALID', message, { details: first.details });
  }
  const details = refused.flatMap((one) =>
    one.details.map((detail) => ({ field: one.where, message: detailText(detail) })),
  );
  const message = `${name} holds ${refused.length} documents or items that are no Clover resources`;
  return new CloverError('CLV_RESOURCE_INVALID', message, { details });
}

function check(
  value: unknown,
  where: string,
  { namespace, onlyNamespace = false }: ReadOptions,
): Manifest | Refused {
  const parsed = manifest.safeParse(value);
  if (parsed.success) {
    const { metadata, kind } = parsed.data;
    const own = metadata.namespace ?? namespace;
    if (onlyNamespace && own !== namespace) {
      const message = `${where}: ${kind} ${metadata.name} is of namespace ${own}, and -n says ${namespace}: leave -n away, or write -n ${own}`;
      const details = [{ field: 'metadata.namespace', message: `found ${own}` }];
      throw new CloverError('CLV_ARGUMENT_INVALID', message, { details });
    }
    const document = { ...parsed.data, metadata: { ...metadata, namespace: own } };
    return { document, namespace: own, where };
  }
  return { where, details: fieldErrors(manifest, value, parsed.error.issues) };
}
