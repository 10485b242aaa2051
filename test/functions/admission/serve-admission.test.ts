import { connect } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { createIdentity, type Identity } from '../../../functions/admission/certificate.ts';
import type { CertificateKeeper } from '../../../functions/admission/certificate-keeper.ts';
import { serveAdmission } from '../../../functions/admission/serve-admission.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import { silent } from '../host/helpers.ts';

const names = ['localhost'];
const identity = (): Identity => createIdentity({ names, now: Date.now(), lifetimeMs: 60_000 });
const lookEveryMs = 1_000;
const settleMs = 300;

/** Time that goes on when the test says so, a wait at a time. */
function steppedClock() {
  let waiting = Promise.withResolvers<{ readonly ms: number; readonly goOn: () => void }>();
  return {
    now: () => 0,
    sleep: async (ms: number, signal?: AbortSignal): Promise<void> => {
      const over = Promise.withResolvers<void>();
      signal?.addEventListener('abort', () => over.resolve());
      waiting.resolve({ ms, goOn: () => over.resolve() });
      await over.promise;
    },
    /** Waits until somebody waits; @returns for how long, and lets him go on. */
    step: async (): Promise<number> => {
      const { ms, goOn } = await waiting.promise;
      waiting = Promise.withResolvers();
      goOn();
      return ms;
    },
  };
}

/** What the keeper finds, look by look. */
function keeperOf(...found: readonly (Identity | CloverError)[]): CertificateKeeper {
  const left = [...found];
  return {
    look: async () => {
      const next = left.shift();
      if (next === undefined) throw new Error('nobody looks any more');
      if (next instanceof CloverError) throw next;
      return { identity: next, isNews: false };
    },
  };
}

/** Which of these a server shows, by a client that trusts them all. */
async function shownBy(url: string, known: readonly Identity[]): Promise<number> {
  const { port } = new URL(url);
  const ca = known.map(({ authority }) => authority);
  const socket = connect({ host: '127.0.0.1', port: Number(port), ca, servername: 'localhost' });
  await new Promise((resolve, reject) =>
    socket.once('secureConnect', resolve).once('error', reject),
  );
  const certificate = socket.getPeerX509Certificate()?.toString();
  socket.destroy();
  return known.findIndex((one) => one.certificate === certificate);
}

async function serving(t: ExecutionContext, keeper: CertificateKeeper) {
  const clock = steppedClock();
  const options = { keeper, clock, log: silent, lookEveryMs, settleMs };
  const started = serveAdmission({ ...options, listen: { host: '127.0.0.1', port: 0 } });
  t.teardown(async () => {
    const webhook = await started.catch(() => undefined);
    await webhook?.release();
    await webhook?.host.close();
  });
  return { clock, started };
}

test('it listens when there is a first certificate, however long what that takes is to come', async (t) => {
  const own = identity();
  const passing = (
    [
      'CLV_KUBERNETES_UNREACHABLE',
      'CLV_OVERLOADED',
      'CLV_CONFLICT',
      'CLV_KUBERNETES_FORBIDDEN',
      'CLV_NOT_FOUND',
    ] as const
  ).map((code) => new CloverError(code, 'not yet'));
  const { clock, started } = await serving(t, keeperOf(...passing, own));
  for (const _ of passing) t.is(await clock.step(), lookEveryMs);
  t.is(await shownBy((await started).url, [own]), 0);
});

test('it ends at what does not pass', async (t) => {
  const { started } = await serving(t, keeperOf(new CloverError('CLV_INTERNAL', 'no')));
  await t.throwsAsync(started, { code: 'CLV_INTERNAL' });
});

test('another certificate is shown once API servers can know of it, and a look that fails changes nothing', async (t) => {
  const known = [identity(), identity()];
  const [first, second] = known;
  if (first === undefined || second === undefined) throw new Error('none');
  const failing = new CloverError('CLV_KUBERNETES_UNREACHABLE', 'away');
  const { clock, started } = await serving(t, keeperOf(first, failing, first, second, second));
  const { url } = await started;
  for (const _ of ['a failure', 'the same', 'another']) t.is(await clock.step(), lookEveryMs);
  const settling = await clock.step();
  t.is(settling, settleMs);
  // It waits for its next look: so it has changed what it shows.
  t.is(await clock.step(), lookEveryMs);
  t.is(await shownBy(url, known), 1);
});
