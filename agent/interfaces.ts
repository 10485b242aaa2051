import { readFileSync } from 'node:fs';

/** Index of a network interface of this namespace by its name, undefined when there is none. */
export function readIfindex(name: string): number | undefined {
  try {
    return Number(readFileSync(`/sys/class/net/${name}/ifindex`, 'latin1'));
  } catch {
    return undefined;
  }
}
