import test, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { createIdentity, type Identity } from '../../../functions/admission/certificate.ts';
import { createCertificateKeeper } from '../../../functions/admission/certificate-keeper.ts';
import { fromSecretData, toSecretData } from '../../../functions/admission/stored-identity.ts';
import { onWire, refusal, reply, type Answer, type Asked } from '../resources/kubernetes/wire.ts';

const names = ['admission.clover-system.svc'];
const now = Date.parse('2026-05-01T00:00:00Z');
const lifetimeMs = 86_400_000;

const identityAt = (at: number): Identity => createIdentity({ names, now: at, lifetimeMs });
const bundleOf = ({ authority }: Identity): string => Buffer.from(authority).toString('base64');
const isSecret = ({ path }: Asked): boolean => path.includes('/secrets/');
const secretBody = z.object({ data: z.record(z.string(), z.string()) });

/** A Secret and a configuration with two webhooks; `onWrite` decides what becomes of a write. */
async function bench(
  t: ExecutionContext,
  stored: Identity | undefined,
  trusted: string,
  onWrite: (asked: Asked) => Answer = () => reply({}),
) {
  const wire = await onWire(t, (asked) => {
    if (asked.method === 'PATCH') return onWrite(asked);
    if (isSecret(asked)) {
      return reply({
        metadata: { resourceVersion: '3' },
        ...(stored && { data: toSecretData(stored) }),
      });
    }
    const webhooks = ['one', 'two'].map((name) => ({ name, clientConfig: { caBundle: trusted } }));
    return reply({ metadata: { resourceVersion: '5' }, webhooks });
  });
  const keeper = createCertificateKeeper({
    client: wire.client,
    clock: { now: () => now, sleep: async () => undefined },
    namespace: 'clover-system',
    secret: 'admission-certificate',
    configuration: 'clover',
    names,
    lifetimeMs,
  });
  const writes = (): readonly Asked[] => wire.asked.filter(({ method }) => method === 'PATCH');
  return { keeper, writes, asked: wire.asked };
}

test('what is fresh and trusted is shown, and nothing is written', async (t) => {
  const stored = identityAt(now);
  const { keeper, writes, asked } = await bench(t, stored, bundleOf(stored));
  t.deepEqual(await keeper.look(), { identity: stored, isNews: false });
  t.deepEqual(writes(), []);
  // The configuration first: who has read an older Secret is refused when he publishes what it had.
  t.deepEqual(asked.map(isSecret), [false, true]);
});

test('where there is none one is made, kept, and every webhook told to trust it', async (t) => {
  const { keeper, writes } = await bench(t, undefined, '');
  const { identity, isNews } = await keeper.look();
  t.true(isNews);
  const [secret, configuration] = writes();
  t.like(secret?.body, { metadata: { resourceVersion: '3' } });
  t.deepEqual(fromSecretData(secretBody.parse(secret?.body).data), identity);
  const caBundle = bundleOf(identity);
  t.like(configuration?.body, {
    metadata: { name: 'clover', resourceVersion: '5' },
    webhooks: ['one', 'two'].map((name) => ({ name, clientConfig: { caBundle } })),
  });
});

test('one that is old is replaced, and its authority is trusted until the next', async (t) => {
  const old = identityAt(now - lifetimeMs);
  const { keeper } = await bench(t, old, bundleOf(old));
  const { identity } = await keeper.look();
  t.not(identity.certificate, old.certificate);
  t.true(identity.authority.endsWith(old.authority));
});

test('of replicas that write at once all but one read again, and show what that one made', async (t) => {
  const theirs = identityAt(now);
  let refused = 0;
  const { keeper, writes } = await bench(t, undefined, '', (asked) => {
    if (!isSecret(asked)) return reply({});
    refused += 1;
    return refused < 3 ? refusal(409, 'somebody has written') : reply({});
  });
  t.true((await keeper.look()).isNews);
  t.is(writes().filter(isSecret).length, 3);
  const { keeper: other, writes: none } = await bench(t, theirs, bundleOf(theirs));
  t.deepEqual((await other.look()).identity, theirs);
  t.is(none().length, 0);
});

test('it gives up where others write all the time, and at once where it may not', async (t) => {
  const busy = await bench(t, undefined, '', () => refusal(409, 'somebody has written'));
  await t.throwsAsync(busy.keeper.look(), { code: 'CLV_CONFLICT' });
  t.is(busy.writes().length, 10);
  const barred = await bench(t, undefined, '', () => refusal(403, 'may not'));
  await t.throwsAsync(barred.keeper.look(), { code: 'CLV_KUBERNETES_FORBIDDEN' });
  t.is(barred.writes().length, 1);
});
