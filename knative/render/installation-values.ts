import { z } from 'zod';
import { amountOf, quantityPattern } from './quantity.ts';
import { unsaid } from './setting-words.ts';

/** Names of Secrets, priority classes and the like: RFC 1123 §2.1. */
export const objectName = z
  .string()
  .max(253)
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
    'must be lower-case letters, digits, "-" and ".", such as "clickhouse"',
  );

/** Keys of labels, and of annotations: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set */
export const labelKey = z
  .string()
  .regex(
    /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/,
    'must be letters, digits, "-", "_" and ".", perhaps with a domain and "/" before them, such as "example.com/pool"',
  );

/** Values of labels. */
export const labelValue = z
  .string()
  .regex(
    /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/,
    'must be at most 63 letters, digits, "-", "_" and ".", such as "1.4.0"',
  );

/** Values of labels, which may be empty: those that nodes and taints have. */
export const labelOfNode = z
  .string()
  .regex(
    /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/,
    'must be at most 63 letters, digits, "-", "_" and "."',
  );

/** https://github.com/distribution/reference: host, path, tag, digest. Serving takes no name of one character. */
export const image = z
  .string()
  .regex(
    /^(?!(.*\/)?[a-z0-9](:|@|$))([A-Za-z0-9.-]+(:\d{1,5})?\/)?[a-z0-9]+([._/-]+[a-z0-9]+)*(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/,
    'must be an image such as "registry.example/clover/api:1.4.0"',
  );

/** Quantities of Kubernetes, such as `64Mi`; what is a number alone may be written as one. */
export const quantity: z.ZodType<string, string | number> = z.preprocess(
  (value) => (typeof value === 'number' ? String(value) : value),
  z.string().regex(quantityPattern, {
    error: 'must be a quantity of Kubernetes, such as "100m" or "64Mi"',
    abort: true,
  }),
);

/** Amounts of CPU and memory. */
const amounts = z.strictObject({
  cpu: quantity.exactOptional(),
  memory: quantity.exactOptional(),
});

/** What a container asks for, and what it gets at most. */
export const resources = z
  .strictObject({
    requests: amounts.exactOptional(),
    limits: amounts.exactOptional(),
  })
  .superRefine(({ requests = {}, limits = {} }, context) => {
    for (const name of ['cpu', 'memory'] as const) {
      const [least, most] = [requests[name], limits[name]];
      if (least === undefined || most === undefined || amountOf(least) <= amountOf(most)) continue;
      const message = `must not be more than limits.${name}, which is ${most}`;
      context.addIssue({ code: 'custom', path: ['requests', name], message });
    }
  });

/** A taint that pods bear, as in a pod's specification. */
export const toleration = z
  .strictObject({
    key: labelKey.exactOptional(),
    operator: z.enum(['Exists', 'Equal']).exactOptional(),
    value: labelOfNode.exactOptional(),
    effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).exactOptional(),
  })
  .refine(({ key, operator }) => key !== undefined || operator === 'Exists', {
    path: ['operator'],
    error: 'must be Exists where there is no key: such a one bears all taints',
  })
  .refine(({ operator, value = '' }) => operator !== 'Exists' || value === '', {
    path: ['value'],
    error: 'has no say where the operator is Exists: leave it out, or say Equal',
  });

/** A key of a Secret of the namespace. */
export const secretKey = z.strictObject(
  {
    name: objectName,
    key: z.string().regex(/^[-\w.]{1,253}$/, 'must be letters, digits, "-", "_" and "."'),
  },
  { error: unsaid('{ name, key } of a Secret') },
);

/** Where images are: a host, a port and a path. */
export const registryPath = z
  .string()
  .regex(
    /^[A-Za-z0-9.-]+(:\d{1,5})?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/,
    'must be a host, a port and a path, such as "registry.example:5000/mirror"',
  );
