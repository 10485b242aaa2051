/** Addresses of one node's network; nothing outside of them belongs to it. */
export interface NetworkPlan {
  /** All of it: what is not routed to the node goes nowhere. */
  readonly block: string;
  readonly pods: string;
  readonly services: string;
  /** Both ends of the link between the machine and the node, without a prefix. */
  readonly host: string;
  readonly node: string;
  /** Name of the link's end on the machine. */
  readonly link: string;
}

/** How many plans there are. */
export const planCount = 64;
/** Length of the prefix of the link's range. */
export const linkPrefix = 30;
const firstOctet = 160;

/**
 * A range of private addresses (RFC 1918) in four quarters: pods, services, the link, and one for who adds to a node.
 * @param index 0 to {@link planCount} - 1.
 */
export function planOf(index: number): NetworkPlan {
  const octet = firstOctet + index;
  return {
    block: `10.${octet}.0.0/16`,
    pods: `10.${octet}.0.0/18`,
    services: `10.${octet}.64.0/18`,
    host: `10.${octet}.128.1`,
    node: `10.${octet}.128.2`,
    link: `clv-node-${octet}`,
  };
}

/** Whether two ranges of IPv4 have an address in common; one without a prefix is an address. */
export function overlaps(one: string, other: string): boolean {
  const [a, b] = [rangeOf(one), rangeOf(other)];
  return a.first <= b.last && b.first <= a.last;
}

function rangeOf(text: string): { readonly first: number; readonly last: number } {
  const [address = '', prefix = '32'] = text.split('/');
  const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(prefix));
  const first = number - (number % size);
  return { first, last: first + size - 1 };
}
