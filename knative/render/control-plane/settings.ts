import { z } from 'zod';
import { objectName, quantity, resources, secretKey } from '../installation-values.ts';

/** What may be said of the control plane in one process. */
export const controlPlaneSettings = z
  .strictObject({
    /** Its databases outlive its pod: a PersistentVolumeClaim. Without, a new pod begins with empty ones. */
    persistent: z.boolean().default(true),
    volumeSize: quantity.default('1Gi'),
    /** Default: the class that is the cluster's default. */
    storageClass: objectName.exactOptional(),
    /** Policies become objects of the cluster's Istio; else they are kept, and change nothing. */
    istio: z.boolean().default(false),
    /** Where the token of every caller is. Default: a Secret that the installation makes. */
    tokenSecret: secretKey.exactOptional(),
    resources: resources.default({
      requests: { cpu: '50m', memory: '128Mi' },
      limits: { memory: '512Mi' },
    }),
  })
  .prefault({});
