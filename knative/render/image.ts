import type { ImageName, Installation } from './installation.ts';

/** The image of a function, of the agent or of the control plane; from the mirror if the installation has one. */
export function imageOf(
  { images, registry, registryMirror, version }: Installation,
  name: ImageName,
): string {
  const image = images[name] ?? `${registry}/clover-${name}:${version}`;
  return registryMirror === undefined ? image : `${registryMirror}/${withoutRegistry(image)}`;
}

/** As container runtimes read a reference: the first part is a registry if it can be no part of a path. */
function withoutRegistry(image: string): string {
  const [first = '', ...rest] = image.split('/');
  const isRegistry = rest.length > 0 && (/[.:A-Z]/.test(first) || first === 'localhost');
  return isRegistry ? rest.join('/') : image;
}
