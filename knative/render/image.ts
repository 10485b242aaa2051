import type { ImageName, Installation } from './installation.ts';

/** Where images are. */
type Origin = Pick<Installation, 'registry' | 'version'> & {
  readonly images: Readonly<Partial<Record<string, string>>>;
  readonly registryMirror?: string;
};

/** The image of a function, or of a process of another kind; from the mirror if the installation has one. */
export function imageOf(origin: Origin, name: ImageName): string {
  const { images, registry, version } = origin;
  return mirrored(origin, images[name] ?? `${registry}/clover-${name}:${version}`);
}

/** An image from the mirror, if there is one. */
export function mirrored(
  { registryMirror }: Pick<Origin, 'registryMirror'>,
  image: string,
): string {
  return registryMirror === undefined ? image : `${registryMirror}/${withoutRegistry(image)}`;
}

/** As container runtimes read a reference: the first part is a registry if it can be no part of a path. */
function withoutRegistry(image: string): string {
  const [first = '', ...rest] = image.split('/');
  const isRegistry = rest.length > 0 && (/[.:A-Z]/.test(first) || first === 'localhost');
  return isRegistry ? rest.join('/') : image;
}
