import type { Kind } from '../../../knative/resources/kinds.ts';
import { apiVersion } from '../../../knative/resources/meta.ts';

/** A small valid document of every kind that users write. */
export const documentExamples: Readonly<Partial<Record<Kind, ExampleDocument>>> = {
  Experiment: {
    apiVersion,
    kind: 'Experiment',
    metadata: { name: 'try-v2', namespace: 'shop' },
    spec: { targetRef: { name: 'proxy' }, control: 'v1', variant: 'v2', plan: [{ weight: 50 }] },
  },
  Tap: {
    apiVersion,
    kind: 'Tap',
    metadata: { name: 'web', namespace: 'shop', labels: { team: 'edge' } },
    spec: { selector: { matchLabels: { app: 'web' } }, ports: [8080] },
  },
  TrafficPolicy: {
    apiVersion,
    kind: 'TrafficPolicy',
    metadata: { name: 'proxy', namespace: 'shop' },
    spec: {
      target: { host: 'shop.example', port: 8080 },
      versions: [
        { name: 'v1', endpoints: [{ address: '192.0.2.1', port: 80 }] },
        { name: 'v2', endpoints: [{ address: '192.0.2.2', port: 80 }] },
      ],
      rules: [{ split: [{ version: 'v1', weight: 1 }] }],
    },
  },
};

/** A document as users write it. */
export interface ExampleDocument {
  readonly apiVersion: string;
  readonly kind: Kind;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec: unknown;
}
