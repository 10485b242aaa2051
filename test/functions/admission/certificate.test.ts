import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import { connect } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { createIdentity, type Identity } from '../../../functions/admission/certificate.ts';
import {
  fromSecretData,
  isFresh,
  toSecretData,
  withFormerAuthority,
} from '../../../functions/admission/stored-identity.ts';

const names = ['clover-admission.clover-system.svc', 'localhost'];
const now = Date.parse('2026-05-01T00:00:00Z');
const day = 86_400_000;

/** How a client that trusts an authority fares: `trusted`, or the code of why not. */
async function handshake(
  t: ExecutionContext,
  { certificate: cert, key }: Identity,
  ca: string,
  servername = names[1],
): Promise<string> {
  const server = createServer({ cert, key });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: address.port, ca, servername });
    socket.once('secureConnect', () => {
      resolve('trusted');
      socket.destroy();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

test('a certificate is one of TLS for its names, by an authority that signs nothing else', (t) => {
  const { certificate, authority } = createIdentity({ names, now, lifetimeMs: 90 * day });
  const shown = new X509Certificate(certificate);
  const signer = new X509Certificate(authority);
  t.true(shown.verify(signer.publicKey));
  t.true(signer.verify(signer.publicKey));
  t.false(shown.verify(shown.publicKey));
  t.true(signer.ca);
  t.false(shown.ca);
  t.true(shown.checkIssued(signer));
  t.deepEqual(shown.keyUsage, ['1.3.6.1.5.5.7.3.1']);
  t.is(shown.subjectAltName, names.map((name) => `DNS:${name}`).join(', '));
  t.is(shown.checkHost('clover-admission.other.svc'), undefined);
  t.is(shown.validToDate.getTime(), now + 90 * day);
  t.true(shown.validFromDate.getTime() < now);
  t.regex(shown.serialNumber, /^[4-7][0-9A-F]{31}$/);
});

test('clients that trust the authority, and only they, take it, while it lasts and for its names', async (t) => {
  const lifetimeMs = day;
  const fresh = createIdentity({ names, now: Date.now(), lifetimeMs });
  const other = createIdentity({ names, now: Date.now(), lifetimeMs });
  const ended = createIdentity({ names, now: Date.now() - 2 * day, lifetimeMs });
  const early = createIdentity({ names, now: Date.now() + day, lifetimeMs });
  t.is(await handshake(t, fresh, fresh.authority), 'trusted');
  t.is(await handshake(t, fresh, other.authority), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  t.is(await handshake(t, fresh, fresh.authority, 'example.org'), 'ERR_TLS_CERT_ALTNAME_INVALID');
  t.is(await handshake(t, ended, ended.authority), 'CERT_HAS_EXPIRED');
  t.is(await handshake(t, early, early.authority), 'CERT_NOT_YET_VALID');
});

test('while a certificate changes, what the former authority signed is trusted as well', async (t) => {
  const former = createIdentity({ names, now: Date.now(), lifetimeMs: day });
  const made = createIdentity({ names, now: Date.now(), lifetimeMs: day });
  const next = withFormerAuthority(made, former);
  t.is(await handshake(t, former, next.authority), 'trusted');
  t.is(await handshake(t, next, next.authority), 'trusted');
  // Two, however often it changes.
  const third = withFormerAuthority(createIdentity({ names, now, lifetimeMs: day }), next);
  t.is(third.authority.split('BEGIN CERTIFICATE').length - 1, 2);
  t.true(third.authority.includes(made.authority.trim()));
});

test('a certificate is fresh until a third of its life is left, and for what it is wanted for', (t) => {
  const wanted = { names, lifetimeMs: 90 * day };
  const identity = createIdentity({ ...wanted, now });
  t.true(isFresh(identity, wanted, now));
  t.true(isFresh(identity, wanted, now - 60_000));
  t.true(isFresh(identity, wanted, now + 59 * day));
  t.false(isFresh(identity, wanted, now + 61 * day));
  t.false(isFresh(identity, { ...wanted, names: [...names, 'another.svc'] }, now));
  t.true(isFresh(identity, { ...wanted, lifetimeMs: 365 * day }, now));
  t.false(isFresh(identity, { ...wanted, lifetimeMs: 30 * day }, now));
  const brief = { names, lifetimeMs: 12_000 };
  const short = createIdentity({ ...brief, now });
  t.true(isFresh(short, brief, now + 7_000));
  t.false(isFresh(short, brief, now + 9_000));
});

test('a Secret gives back what was put in, and nothing that is not whole', (t) => {
  const identity = createIdentity({ names, now, lifetimeMs: day });
  const other = createIdentity({ names, now, lifetimeMs: day });
  const data = toSecretData(identity);
  t.deepEqual(fromSecretData(data), identity);
  t.is(fromSecretData({}), undefined);
  t.is(fromSecretData({ ...data, 'tls.key': toSecretData(other)['tls.key'] ?? '' }), undefined);
  t.is(fromSecretData({ ...data, 'ca.crt': toSecretData(other)['ca.crt'] ?? '' }), undefined);
  t.is(fromSecretData({ ...data, 'tls.crt': btoa('damaged') }), undefined);
});

test('names of every length and times of every year are encoded as a parser reads them', (t) => {
  const label = fc.stringMatching(/^[a-z0-9]{1,60}$/);
  const dnsNames = fc.array(
    fc.tuple(label, label).map((parts) => parts.join('.')),
    {
      minLength: 1,
      maxLength: 16,
    },
  );
  const second = fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => seconds * 1_000);
  fc.assert(
    fc.property(dnsNames, second, fc.integer({ min: 1, max: 3_650 }), (dns, at, days) => {
      const identity = createIdentity({ names: dns, now: at, lifetimeMs: days * day });
      const shown = new X509Certificate(identity.certificate);
      t.is(shown.validToDate.getTime(), at + days * day);
      for (const name of dns) t.is(shown.checkHost(name), name);
      t.true(shown.verify(new X509Certificate(identity.authority).publicKey));
    }),
    { numRuns: 100 },
  );
});
