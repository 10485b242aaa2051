import { createServer, type Server } from 'node:https';
import { createHost, type Host, type HostOptions } from '../host/create-host.ts';
import { createRunner, type Runner } from '../host/runner.ts';
import type { Clock } from '../lib/clock.ts';
import { CloverError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { CertificateKeeper, Shown } from './certificate-keeper.ts';
import { createAdmission } from './function.ts';

/** Options of {@link serveAdmission}. */
export interface AdmissionOptions {
  readonly keeper: CertificateKeeper;
  readonly clock: Clock;
  readonly log: Log;
  readonly listen: { readonly host?: string; readonly port: number };
  /** Milliseconds between two looks at the certificate. */
  readonly lookEveryMs: number;
  /** Milliseconds that an API server has to learn of a new authority before what that signed is shown. */
  readonly settleMs: number;
}

/** A webhook that serves. */
export interface ServingAdmission {
  readonly url: string;
  readonly host: Host;
  readonly runner: Runner;
  /** Ends the looks at the certificate, after the drain. */
  release(): Promise<void>;
}

const handshakeMs = 10_000;

/** Serves the webhook by TLS, and keeps its certificate fresh. Until there is a first one it does not listen. */
export async function serveAdmission(options: AdmissionOptions): Promise<ServingAdmission> {
  const { keeper, clock, log, lookEveryMs, settleMs } = options;
  const stop = new AbortController();
  let shown = await firstLook(options, stop.signal);
  let server: Server | undefined;
  const fn = createAdmission();
  const runner = createRunner({
    functions: [fn],
    catalogue: [{ name: fn.name, triggers: [], schedules: [], direct: [], paths: ['/'] }],
    log,
    emit: async ({ type }) => {
      throw new CloverError('CLV_INTERNAL', `nobody takes ${type}: this is no sender of events`);
    },
  });
  const secured: NonNullable<HostOptions['createServer']> = (settings, listener) => {
    const { certificate: cert, key } = shown.identity;
    server = createServer({ ...settings, cert, key, handshakeTimeout: handshakeMs }, listener);
    return server;
  };
  const host = createHost({ runner, log, createServer: secured });
  const url = await host.listen(options.listen);

  const keep = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await clock.sleep(lookEveryMs, stop.signal).catch(() => undefined);
      if (stop.signal.aborted) return;
      try {
        const found = await keeper.look();
        if (found.identity.certificate === shown.identity.certificate) continue;
        await clock.sleep(settleMs, stop.signal).catch(() => undefined);
        const { certificate: cert, key } = found.identity;
        server?.setSecureContext({ cert, key });
        shown = found;
        log.info('another certificate is shown');
      } catch (error) {
        log.warn({ err: error }, 'the certificate could not be looked at');
      }
    }
  };
  const keeping = keep();
  return {
    url,
    host,
    runner,
    release: async () => {
      stop.abort();
      await keeping;
    },
  };
}

const passing: ReadonlySet<string> = new Set([
  'CLV_KUBERNETES_UNREACHABLE',
  'CLV_OVERLOADED',
  'CLV_CONFLICT',
  // Objects that are applied together come in any order: the account's rights, and the configuration, may be behind the pod.
  'CLV_KUBERNETES_FORBIDDEN',
  'CLV_NOT_FOUND',
]);

/** The API server, and what the webhook needs of it, may come later than this pod. */
async function firstLook(
  { keeper, clock, log, lookEveryMs }: AdmissionOptions,
  signal: AbortSignal,
): Promise<Shown> {
  for (;;) {
    try {
      return await keeper.look();
    } catch (error) {
      if (!(error instanceof CloverError && passing.has(error.code))) throw error;
      log.warn({ err: error }, 'the certificate cannot be made yet; nothing is served until then');
      await clock.sleep(Math.min(lookEveryMs, 2_000), signal);
    }
  }
}
