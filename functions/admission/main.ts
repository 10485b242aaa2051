import { z } from 'zod';
import { createLateLog } from '../host/late-log.ts';
import { endOnSignals } from '../host/on-signals.ts';
import { startOrExit } from '../host/start-or-exit.ts';
import { systemClock } from '../lib/clock.ts';
import { durationMs } from '../lib/duration.ts';
import { CloverError } from '../lib/errors.ts';
import { monotonicMs } from '../lib/monotonic.ts';
import { createKubeClient } from '../resources/kubernetes/client.ts';
import { inClusterConnection } from '../resources/kubernetes/connection.ts';
import { createCertificateKeeper } from './certificate-keeper.ts';
import { serveAdmission } from './serve-admission.ts';

const name = z.string().min(1).max(253);

/** What the environment says; `knative/render/admission/objects.ts` writes it. */
const settings = z.object({
  POD_NAMESPACE: name,
  /** The Secret of the certificate. */
  ADMISSION_SECRET: name,
  /** The ValidatingWebhookConfiguration that names this webhook. */
  ADMISSION_CONFIGURATION: name,
  /** DNS names that the API server asks for, with commas between them. */
  ADMISSION_NAMES: z
    .string()
    .regex(/^[a-z0-9.-]{1,253}(,[a-z0-9.-]{1,253}){0,15}$/, 'must be DNS names, with commas'),
  /** How long a certificate lives; another one comes when a third of it is left. */
  ADMISSION_CERTIFICATE_LIFETIME: z
    .string()
    .regex(/^[1-9]\d{0,8}(ms|s|m|h)$/, 'must be a duration such as "2160h"')
    .default('2160h'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8_443),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  /** Where the service account's token is, if it is not where a pod finds it. */
  SERVICE_ACCOUNT_FOLDER: z.string().min(1).exactOptional(),
});

/** The webhook as a process of its own. */
async function main(): Promise<void> {
  const parsed = settings.safeParse(process.env);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      ({ path, message }) => `${path.join('.')}: ${message}`,
    );
    throw new CloverError('CLV_CONFIG_INVALID', problems.join('; '));
  }
  const env = parsed.data;
  const log = createLateLog({ level: env.LOG_LEVEL, base: { function: 'admission' } });
  const lifetimeMs = durationMs(env.ADMISSION_CERTIFICATE_LIFETIME);
  const { SERVICE_ACCOUNT_FOLDER: folder } = env;
  const client = createKubeClient(
    inClusterConnection({ monotonicMs, ...(folder === undefined ? {} : { folder }) }),
  );
  const keeper = createCertificateKeeper({
    client,
    clock: systemClock,
    namespace: env.POD_NAMESPACE,
    secret: env.ADMISSION_SECRET,
    configuration: env.ADMISSION_CONFIGURATION,
    names: env.ADMISSION_NAMES.split(','),
    lifetimeMs,
  });
  const serving = await serveAdmission({
    keeper,
    clock: systemClock,
    log,
    listen: { port: env.PORT },
    lookEveryMs: Math.min(lifetimeMs / 100, 60_000),
    settleMs: Math.min(lifetimeMs / 10, 10_000),
  });
  endOnSignals({
    serving: {
      drain: async () => {
        await serving.host.drain();
        await serving.runner.close();
      },
      pending: () => serving.host.pending(),
    },
    release: async () => {
      await serving.release();
      await serving.host.close();
    },
    log,
  });
  log.info({ url: serving.url }, 'ready');
}

startOrExit(main);
