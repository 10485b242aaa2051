import { z } from 'zod';
import { dnsLabel } from '../../knative/resources/meta-schemas.ts';
import { CloverError } from '../lib/errors.ts';

const port = z
  .string()
  .regex(/^\d{1,5}$/)
  .transform(Number)
  .pipe(z.int().min(1).max(65_535));

const settings = z.object({
  INGRESS_CLASS: z.string().min(1).default('clover.ingress.networking.knative.dev'),
  POD_NAMESPACE: dnsLabel.default('clover-system'),
  POD_IP: z.union([z.ipv4(), z.ipv6()]).optional(),
  EXTERNAL_SERVICE: dnsLabel.default('clover-ingress'),
  INTERNAL_SERVICE: dnsLabel.default('clover-ingress-internal'),
  CLUSTER_DOMAIN: z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/)
    .default('cluster.local'),
  EXTERNAL_PORT: port.default(8080),
  INTERNAL_PORT: port.default(8081),
  ENVOY_FOLDER: z
    .string()
    .regex(/^\/.{0,79}$/, 'must be an absolute path of at most 80 bytes')
    .default('/var/run/clover-envoy'),
  KUBECONFIG: z.string().min(1).optional(),
  PORT: z.string().default('9090'),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});

/** What the environment says of one controller. */
export type IngressSettings = z.output<typeof settings>;

/** @throws CloverError CLV_CONFIG_INVALID with every variable that is wrong. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): IngressSettings {
  const parsed = settings.safeParse(env);
  const wrong = parsed.success
    ? []
    : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  const found = parsed.data;
  if (found !== undefined && found.EXTERNAL_PORT === found.INTERNAL_PORT) {
    wrong.push('INTERNAL_PORT: must not be EXTERNAL_PORT');
  }
  if (found === undefined || wrong.length > 0) {
    throw new CloverError('CLV_CONFIG_INVALID', wrong.join('; '));
  }
  return found;
}
