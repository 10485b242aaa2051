import { digestOf } from './digest.ts';
import { packFiles, type Entry, type Layer } from './layer.ts';
import {
  mediaTypes,
  type Descriptor,
  type ImageConfig,
  type Index,
  type Manifest,
  type RunConfig,
} from './oci.ts';

/** What an image is made of. */
export interface ImageParts {
  /** Its full name with its tag: `dev.local/clover-ingest:0.1.0`. */
  readonly name: string;
  readonly architecture: string;
  /** RFC 3339. */
  readonly created: string;
  readonly config: RunConfig;
  /** From the bottom; `what` goes into the history. */
  readonly layers: readonly (Layer & { readonly what: string })[];
}

/** A finished image. */
export interface ImageArchive {
  /** Digest of the manifest: what a registry and a kubelet call it by. */
  readonly digest: string;
  /** An OCI image layout in a tar. */
  readonly tar: Uint8Array;
}

/**
 * Packs an image into an archive that `ctr images import`, `docker load`, `podman load` and `skopeo copy oci-archive:` take. The
 * same parts give the same bytes.
 */
export async function packArchive(parts: ImageParts): Promise<ImageArchive> {
  const { name, architecture, created, layers } = parts;
  const blobs = new Map<string, Uint8Array>();
  const keep = (mediaType: string, blob: Uint8Array): Descriptor => {
    const digest = digestOf(blob);
    blobs.set(digest, blob);
    return { mediaType, digest, size: blob.byteLength };
  };
  const config: ImageConfig = {
    created,
    architecture,
    os: 'linux',
    config: parts.config,
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(({ what }) => ({ created, created_by: what })),
  };
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: keep(mediaTypes.config, json(config)),
    layers: layers.map(({ blob }) => keep(mediaTypes.layer, blob)),
    annotations: { 'org.opencontainers.image.created': created },
  };
  const described = keep(mediaTypes.manifest, json(manifest));
  const index: Index = {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: [
      {
        ...described,
        platform: { architecture, os: 'linux' },
        annotations: {
          // containerd takes the image's name from the first, others its tag from the second.
          'io.containerd.image.name': name,
          'org.opencontainers.image.ref.name': name.slice(name.lastIndexOf(':') + 1),
        },
      },
    ],
  };
  const entries: Entry[] = [
    file('oci-layout', json({ imageLayoutVersion: '1.0.0' })),
    file('index.json', json(index)),
    // Docker before version 25 knows no other table of contents.
    file(
      'manifest.json',
      json([
        {
          Config: pathOf(manifest.config),
          RepoTags: [name],
          Layers: manifest.layers.map(pathOf),
        },
      ]),
    ),
    ...[...blobs.entries()]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([digest, blob]) => file(pathOf({ digest }), blob)),
  ];
  return { digest: described.digest, tar: await packFiles(entries) };
}

function file(path: string, data: Uint8Array): Entry {
  return { path, mode: 0o644, data };
}

function pathOf({ digest }: { readonly digest: string }): string {
  return `blobs/${digest.replace(':', '/')}`;
}

function json(value: object): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
