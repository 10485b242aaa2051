import type { Installation } from './installation.ts';

/** The image of a function, from the mirror if the installation has one. */
export function imageOf({ images, registryMirror }: Installation, name: string): string {
  const image = images[name];
  if (image === undefined) throw new TypeError(`function ${name} has no image`);
  return registryMirror === undefined ? image : `${registryMirror}/${withoutRegistry(image)}`;
}

/** As container runtimes read a reference: the first part is a registry if it can be no part of a path. */
function withoutRegistry(image: string): string {
  const [first = '', ...rest] = image.split('/');
  const isRegistry = rest.length > 0 && (/[.:A-Z]/.test(first) || first === 'localhost');
  return isRegistry ? rest.join('/') : image;
}
