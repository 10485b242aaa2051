import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { packTar, type TarEntry } from 'modern-tar';
import { digestOf } from './digest.ts';

/** A file or a folder of an image; owned by root. */
export type Entry =
  | { readonly path: string; readonly mode: number; readonly data: Uint8Array | string }
  | { readonly path: string; readonly mode: number; readonly data?: undefined };

/** A layer: a compressed tar. */
export interface Layer {
  /** Of the tar before it was compressed: what is in it, whatever compressed it. */
  readonly diffId: string;
  readonly digest: string;
  readonly blob: Uint8Array;
}

const compress = promisify(gzip);

/** Entries sorted by path, with the folders that they lie in. */
export function withFolders(entries: readonly Entry[]): Entry[] {
  const byPath = new Map<string, Entry>();
  for (const entry of entries) {
    const parts = entry.path.split('/');
    for (let length = 1; length < parts.length; length += 1) {
      const path = parts.slice(0, length).join('/');
      if (!byPath.has(path)) byPath.set(path, { path, mode: 0o755 });
    }
    byPath.set(entry.path, entry);
  }
  return [...byPath.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** Packs entries into a layer; the same entries give the same bytes under the same Node. */
export async function packLayer(entries: readonly Entry[]): Promise<Layer> {
  const tar = await packFiles(withFolders(entries));
  const blob = await compress(tar);
  return { diffId: digestOf(tar), digest: digestOf(blob), blob };
}

/** Packs entries into a tar in the given order, with nothing in it that hangs on when or by whom it was packed. */
export function packFiles(entries: readonly Entry[]): Promise<Uint8Array> {
  return packTar(
    entries.map(({ path, mode, data }): TarEntry => {
      const owned = { mode, uid: 0, gid: 0, uname: '', gname: '', mtime: new Date(0) };
      if (data === undefined) {
        return { header: { ...owned, name: `${path}/`, type: 'directory', size: 0 } };
      }
      const body = typeof data === 'string' ? Buffer.from(data) : data;
      return { header: { ...owned, name: path, type: 'file', size: body.byteLength }, body };
    }),
  );
}
