import { createPrivateKey, X509Certificate } from 'node:crypto';
import { skewMs, type Identity } from './certificate.ts';

/** Keys of the Secret, as Kubernetes' own TLS Secrets have them. */
const keys = { authority: 'ca.crt', certificate: 'tls.crt', key: 'tls.key' } as const;

const coded = (text: string): string => Buffer.from(text).toString('base64');

/** The data of a Secret, base64. */
export type SecretData = Readonly<Record<string, string>>;

/** The Secret's data of an identity, with the authorities that are trusted beside its own. */
export function toSecretData({ certificate, key, authority }: Identity): SecretData {
  return {
    [keys.authority]: coded(authority),
    [keys.certificate]: coded(certificate),
    [keys.key]: coded(key),
  };
}

/** The identity that a Secret holds; its authority may be several. Undefined when it holds none that is whole. */
export function fromSecretData(data: SecretData): Identity | undefined {
  const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString('utf8');
  const identity = {
    authority: text(keys.authority),
    certificate: text(keys.certificate),
    key: text(keys.key),
  };
  return isWhole(identity) ? identity : undefined;
}

/** A pair that belongs together, signed by the first authority. What cannot be read is not whole. */
function isWhole({ authority, certificate, key }: Identity): boolean {
  try {
    const shown = new X509Certificate(certificate);
    const signer = new X509Certificate(authority);
    return shown.checkPrivateKey(createPrivateKey(key)) && shown.verify(signer.publicKey);
  } catch {
    return false;
  }
}

/** What a certificate is wanted for, and for how long. */
export interface Wanted {
  readonly names: readonly string[];
  readonly lifetimeMs: number;
}

/** Whether it can be shown for these names for longer than a third of its life, which is no longer than wished for. */
export function isFresh(
  { certificate }: Identity,
  { names, lifetimeMs }: Wanted,
  now: number,
): boolean {
  const shown = new X509Certificate(certificate);
  const [from, to] = [shown.validFromDate.getTime(), shown.validToDate.getTime()];
  const left = to - now;
  // Another replica's clock may be ahead.
  if (left > lifetimeMs + skewMs) return false;
  return (
    left > (to - from - skewMs) / 3 && names.every((name) => shown.checkHost(name) !== undefined)
  );
}

/** The authorities to trust while others still show what an older one signed: the new one first, then the one before it. */
export function withFormerAuthority(next: Identity, former: Identity | undefined): Identity {
  const end = '-----END CERTIFICATE-----\n';
  const [before] = (former?.authority ?? '').split(end);
  if (before === undefined || before.trim() === '') return next;
  return { ...next, authority: `${next.authority}${before}${end}` };
}
