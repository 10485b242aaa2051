import { z } from 'zod';
import { dnsLabel } from '../../resources/meta-schemas.ts';
import { sinkSettings } from './sinks.ts';
import {
  labelKey,
  labelOfNode,
  objectName,
  resources,
  secretKey,
  toleration,
} from '../installation-values.ts';
import { spoolFolder } from './spool-folder.ts';
import { spoolQuantity } from './spool-size.ts';

/** Where Serving and Eventing are. */
export const knativeNamespaces = ['knative-eventing', 'knative-serving'] as const;

/** What may be said of the agents. */
export const agentSettings = z
  .strictObject({
    /** One on each node; without agents nothing is seen of the traffic. */
    enabled: z.boolean().default(true),
    /** Agents may look into processes (CAP_SYS_PTRACE), as a Tap with `tls` needs; without it that is refused. */
    tls: z.boolean().default(false),
    /** Default: all nodes, whatever their taints. */
    tolerations: z.array(toleration).default([{ operator: 'Exists' }]),
    /** Beside `kubernetes.io/os: linux`. */
    nodeSelector: z.record(labelKey, labelOfNode).default({}),
    priorityClass: objectName.exactOptional(),
    /**
     * Namespaces that no Tap has a say in: what carries Clover's own events and spans is there. Default: Knative's, and those of
     * Contour and Kourier; `cloverctl install` finds those of the cluster's network layer.
     */
    untapped: z
      .array(dnsLabel)
      .default([...knativeNamespaces, 'contour-external', 'contour-internal', 'kourier-system']),
    /** A folder of each node, for spans that wait to be sent. */
    spoolFolder: spoolFolder.default('/var/lib/clover/agent'),
    spoolSize: spoolQuantity.default('256Mi'),
    /** Where the token is that agents show to the control plane in one process. Default: a Secret that the installation makes. */
    tokenSecret: secretKey.exactOptional(),
    sinks: sinkSettings.default({}),
    /**
     * Of the node's address, where `/metrics` is served to whom the cluster lets `get` it. Default: none, as it is a port of the node
     * itself, which may be taken and which no NetworkPolicy covers.
     */
    metricsPort: z.int().min(1).max(65_535).exactOptional(),
    resources: resources.default({
      requests: { cpu: '50m', memory: '64Mi' },
      limits: { memory: '96Mi' },
    }),
  })
  .prefault({});
