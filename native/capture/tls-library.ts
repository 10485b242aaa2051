import { loadBinding } from './binding.ts';
import { translated } from './translated.ts';
import type { TlsLibrary } from './tls-types.ts';

/**
 * Looks into an executable or a shared library; a large one takes some ms.
 *
 * @returns undefined where there is no TLS library in it, or it cannot be read.
 * @throws CloverError CLV_CAPTURE_UNAVAILABLE where the addon is not built.
 */
export function tlsLibraryOf(file: string): TlsLibrary | undefined {
  return translated(() => loadBinding().tls_library(file));
}
