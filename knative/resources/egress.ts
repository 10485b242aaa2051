import { z } from 'zod';
import { must, rules } from './rule.ts';

/** Where pods connect to. */
export interface Destination {
  /** IPv4 or IPv6; with `prefixLength` a network. */
  readonly address: string;
  /** In bits, of the address. */
  readonly prefixLength: number;
  readonly port: number;
}

const port =
  '(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])';
const ipv4 = String.raw`([0-9.]+)(?:/([0-9]|[12][0-9]|3[0-2]))?`;
const ipv6 = String.raw`\[([0-9a-fA-F]*:[0-9a-fA-F:.]*)(?:/([0-9]|[1-9][0-9]|1[01][0-9]|12[0-8]))?\]`;
const pod = '[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?';
const form = new RegExp(`^(?:${ipv4}|${ipv6}):(${port})(?::(${pod}))?$`);

const address =
  "self.startsWith('[') ? self.substring(1, self.indexOf(']')).split('/')[0] : self.split(':')[0].split('/')[0]";

/** One of `Tap.spec.egress`: `ip:port[:pod]`, with a prefix length behind the address for a network, IPv6 in brackets. */
export const egressText = z
  .string()
  .max(320)
  .regex(form)
  .meta(
    must(
      'must be `ip:port` or `ip:port:pod`, for example "10.0.0.5:5432" or "[2001:db8::/32]:443:web"',
    ),
  )
  .meta(rules({ rule: `isIP(${address})`, message: 'must have an IPv4 or IPv6 address' }));

/** Where pods of this name connect to, as an {@link egressText} says it; undefined where it is about others. */
export function destinationOf(text: string, name: string): Destination | undefined {
  const found = form.exec(text);
  if (found === null) return undefined;
  const [, v4, v4Prefix = '32', v6 = '', v6Prefix = '128', number, whose] = found;
  if (whose !== undefined && whose !== name && !name.startsWith(`${whose}-`)) return undefined;
  const [network, prefix] = v4 === undefined ? [v6, v6Prefix] : [v4, v4Prefix];
  return { address: network, prefixLength: Number(prefix), port: Number(number) };
}

/** Its port, whoever connects there. */
export const egressPort = (text: string): number => Number(form.exec(text)?.[5]);
