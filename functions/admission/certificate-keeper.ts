import { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import { CloverError } from '../lib/errors.ts';
import type { KubeClient } from '../resources/kubernetes/client.ts';
import { createIdentity, type Identity } from './certificate.ts';
import {
  fromSecretData,
  isFresh,
  toSecretData,
  withFormerAuthority,
  type SecretData,
} from './stored-identity.ts';

/** Options of {@link createCertificateKeeper}. */
export interface KeeperOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly namespace: string;
  /** The Secret that all replicas share; it has to be there, empty at first. */
  readonly secret: string;
  /** The ValidatingWebhookConfiguration whose webhooks have to trust the authority. */
  readonly configuration: string;
  /** DNS names that the API server asks for. */
  readonly names: readonly string[];
  readonly lifetimeMs: number;
}

/** What a look has found, or made. */
export interface Shown {
  readonly identity: Identity;
  /** The API server was told of the authority by this look: it may take a moment until it knows. */
  readonly isNews: boolean;
}

/** Keeps the certificate of the webhook, and the API server's trust in it. */
export interface CertificateKeeper {
  /**
   * Makes the certificate where there is none, or it has less than a third of its life left, and tells the API server whom to
   * trust. Of several replicas one makes it and all show it.
   * @throws CloverError what the API server says; CLV_CONFLICT when others write all the time.
   */
  look(): Promise<Shown>;
}

const mostTries = 10;

const storedSecret = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string() }),
  data: z.record(z.string(), z.string()).default({}),
});
const storedConfiguration = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string() }),
  webhooks: z
    .array(
      z.looseObject({
        name: z.string(),
        clientConfig: z.looseObject({ caBundle: z.string().default('') }),
      }),
    )
    .default([]),
});

/** Makes the keeper; it holds nothing between two looks. */
export function createCertificateKeeper(options: KeeperOptions): CertificateKeeper {
  const { client, clock, namespace, secret, configuration, names, lifetimeMs } = options;
  const secretPath = `/api/v1/namespaces/${namespace}/secrets/${secret}`;
  const configurationPath = `/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/${configuration}`;

  const kept = async (): Promise<Identity> => {
    const { metadata, data } = storedSecret.parse(
      await client.call({ method: 'GET', path: secretPath }),
    );
    const former = fromSecretData(data);
    const now = clock.now();
    if (former !== undefined && isFresh(former, { names, lifetimeMs }, now)) return former;
    const made = withFormerAuthority(createIdentity({ names, now, lifetimeMs }), former);
    await write(toSecretData(made), metadata.resourceVersion);
    return made;
  };

  /** Only if nobody else wrote since it was read. */
  const write = async (data: SecretData, resourceVersion: string): Promise<void> => {
    await client.call({
      method: 'PATCH',
      path: secretPath,
      contentType: 'application/merge-patch+json',
      query: { fieldManager: 'clover-admission' },
      body: { metadata: { resourceVersion }, data },
    });
  };

  const attempt = async (): Promise<Shown> => {
    // Read before the Secret: who publishes an older authority by a newer version of the configuration is refused.
    const found = storedConfiguration.parse(
      await client.call({ method: 'GET', path: configurationPath }),
    );
    const identity = await kept();
    const caBundle = Buffer.from(identity.authority).toString('base64');
    const others = found.webhooks.filter(({ clientConfig }) => clientConfig.caBundle !== caBundle);
    if (others.length > 0) {
      await client.call({
        method: 'PATCH',
        path: configurationPath,
        contentType: 'application/apply-patch+yaml',
        query: { fieldManager: 'clover-admission', force: 'true' },
        body: {
          apiVersion: 'admissionregistration.k8s.io/v1',
          kind: 'ValidatingWebhookConfiguration',
          metadata: { name: configuration, resourceVersion: found.metadata.resourceVersion },
          webhooks: found.webhooks.map(({ name }) => ({ name, clientConfig: { caBundle } })),
        },
      });
    }
    return { identity, isNews: others.length > 0 };
  };

  return {
    look: async () => {
      for (let tries = 1; ; tries += 1) {
        try {
          return await attempt();
        } catch (error) {
          const isLost = error instanceof CloverError && error.code === 'CLV_CONFLICT';
          if (!isLost || tries >= mostTries) throw error;
        }
      }
    },
  };
}
