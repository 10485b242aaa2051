import { z } from 'zod';
import { resources } from '../installation-values.ts';

/** What may be said of the validating webhook. */
export const admissionSettings = z
  .strictObject({
    /** Without it the rules of the definitions hold alone, and lint is told by conditions only. */
    enabled: z.boolean().default(true),
    replicas: z.int().min(1).max(10).default(2),
    /** How long a certificate lives; another one comes when a third of that is left. */
    certificateLifetime: z
      .string()
      .regex(/^[1-9]\d{0,4}h$/, 'must be whole hours, such as "2160h"')
      .default('2160h'),
    resources: resources.default({
      requests: { cpu: '10m', memory: '64Mi' },
      limits: { memory: '128Mi' },
    }),
  })
  .prefault({});
