import { tapProtocols } from '../../knative/resources/tap.ts';
import type { Attributes } from './otlp-spans.ts';

const protocols = [...tapProtocols, 'grpc'] as const;

/** What a span may be of. */
export type Protocol = (typeof protocols)[number];

// One wire protocol, two systems: the conventions tell MariaDB from MySQL.
const known = (name: unknown): Protocol | undefined =>
  name === 'mariadb' ? 'mysql' : protocols.find((one) => one === name);

/** By the semantic conventions: each protocol names itself somewhere else, and HTTP nowhere. */
export function protocolOf(attributes: Attributes): Protocol {
  const named =
    known(attributes['rpc.system.name']) ??
    known(attributes['db.system.name']) ??
    known(attributes['messaging.system']) ??
    known(attributes['network.protocol.name']);
  if (named !== undefined && named !== 'http') return named;
  return String(attributes['network.protocol.version']).startsWith('2') ? 'http2' : 'http';
}
