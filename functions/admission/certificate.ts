import {
  createHash,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
  type KeyObject,
} from 'node:crypto';
import {
  bitString,
  explicit,
  implicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
  utf8String,
  yes,
} from './der.ts';

/** What a server shows, and whom its callers have to trust for it. All are PEM. */
export interface Identity {
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
}

/** Options of {@link createIdentity}. */
export interface IdentityOptions {
  /** DNS names of the server; at least one. */
  readonly names: readonly string[];
  /** Unix milliseconds. */
  readonly now: number;
  readonly lifetimeMs: number;
}

/** How long before it is made it is valid already, milliseconds: clocks of a cluster differ. */
export const skewMs = 300_000;

// https://www.rfc-editor.org/rfc/rfc5280#section-4.2, and RFC 5758 for the algorithm.
const ids = {
  commonName: '2.5.4.3',
  subjectKey: '2.5.29.14',
  keyUsage: '2.5.29.15',
  names: '2.5.29.17',
  constraints: '2.5.29.19',
  authorityKey: '2.5.29.35',
  extendedUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
} as const;

/**
 * Makes a server's certificate and an authority that has signed it alone: the authority's key is forgotten at once, so that
 * nobody can ever have it. Whoever trusts the authority trusts these names and this key, until they end.
 */
export function createIdentity({ names, now, lifetimeMs }: IdentityOptions): Identity {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const [name = 'server'] = names;
  const issuer = `authority of ${name}`.slice(0, 64);
  const validity = { from: now - skewMs, to: now + lifetimeMs };
  const issued = (subject: string, key: KeyObject, extensions: readonly Uint8Array[]): string =>
    signed({ issuer, subject, key, extensions, ...validity }, authority.privateKey);
  return {
    authority: issued(issuer, authority.publicKey, [
      // It signs no other authority.
      extension(ids.constraints, sequence(yes(), integer(Buffer.from([0]))), true),
      extension(ids.keyUsage, bitString(Buffer.from([0b0000_0100]), 2), true),
      extension(ids.subjectKey, octetString(keyId(authority.publicKey))),
    ]),
    certificate: issued(name.slice(0, 64), server.publicKey, [
      extension(ids.constraints, sequence(), true),
      extension(ids.keyUsage, bitString(Buffer.from([0b1000_0000]), 7), true),
      extension(ids.extendedUsage, sequence(objectIdentifier(ids.serverAuth))),
      extension(ids.names, sequence(...names.map((dns) => implicit(2, Buffer.from(dns))))),
      extension(ids.authorityKey, sequence(implicit(0, keyId(authority.publicKey)))),
    ]),
    key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

interface ToSign {
  readonly issuer: string;
  readonly subject: string;
  readonly key: KeyObject;
  /** Unix milliseconds. */
  readonly from: number;
  readonly to: number;
  readonly extensions: readonly Uint8Array[];
}

function signed(wanted: ToSign, signer: KeyObject): string {
  const algorithm = sequence(objectIdentifier(ids.ecdsaWithSha256));
  const version3 = explicit(0, integer(Buffer.from([2])));
  const body = sequence(
    version3,
    integer(serial()),
    algorithm,
    nameOf(wanted.issuer),
    sequence(time(wanted.from), time(wanted.to)),
    nameOf(wanted.subject),
    wanted.key.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...wanted.extensions)),
  );
  const signature = sign('sha256', body, { key: signer, dsaEncoding: 'der' });
  const whole = sequence(body, algorithm, bitString(signature));
  return new X509Certificate(whole).toString();
}

/** RFC 5280 §4.1.2.2: positive, at most 20 bytes, never twice. */
function serial(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

const nameOf = (commonName: string): Buffer =>
  sequence(setOf(sequence(objectIdentifier(ids.commonName), utf8String(commonName))));

const extension = (id: string, value: Uint8Array, isCritical = false): Buffer =>
  sequence(objectIdentifier(id), ...(isCritical ? [yes()] : []), octetString(value));

/** RFC 7093 §2: of the whole key, shortened to the length that is usual. */
function keyId(key: KeyObject): Buffer {
  const spki = key.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest().subarray(0, 20);
}
