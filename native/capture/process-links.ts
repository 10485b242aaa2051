import { loadBinding } from './binding.ts';
import { translated } from './translated.ts';
import type { ProcessLink } from './types.ts';

/**
 * The interfaces of a process by netlink, without entering its network namespace: CAP_NET_ADMIN is enough.
 *
 * @returns undefined without such a process; `own` where its network namespace is the caller's.
 * @throws CloverError CLV_CAPTURE_UNAVAILABLE naming what is missing.
 */
export function processLinks(pid: number): readonly ProcessLink[] | 'own' | undefined {
  const found = translated(() => loadBinding().process_links(pid));
  if (found === undefined) return undefined;
  if (found.own) return 'own';
  return found.links;
}
