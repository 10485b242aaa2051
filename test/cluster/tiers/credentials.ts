import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A program that calls the API server by a name of its own. */
export interface Component {
  readonly name: string;
  readonly user: string;
  readonly group?: string;
}

/** Secrets of one cluster, and the files that Kubernetes reads them from. */
export interface Credentials {
  /** Bearer token of a member of `system:masters`. */
  readonly adminToken: string;
  /** Bearer tokens of components, by their names. */
  readonly tokens: ReadonlyMap<string, string>;
  readonly tokenFile: string;
  /** Key that tokens of service accounts are signed with. */
  readonly accountKeyFile: string;
  readonly accountPublicKeyFile: string;
}

/** Makes them in a folder, for this user only. */
export function makeCredentials(
  folder: string,
  components: readonly Component[] = [],
): Credentials {
  const adminToken = newToken();
  const tokens = new Map(components.map(({ name }) => [name, newToken()]));
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2_048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  return {
    adminToken,
    tokens,
    tokenFile: file(
      'tokens.csv',
      [
        `${adminToken},admin,admin,system:masters`,
        ...components.map(({ name, user, group = '' }) =>
          [tokens.get(name), user, name, group].join(','),
        ),
      ].join('\n'),
    ),
    accountKeyFile: file('service-accounts.key', privateKey),
    accountPublicKeyFile: file('service-accounts.pub', publicKey),
  };
}

function newToken(): string {
  return randomBytes(24).toString('base64url');
}

/** A kubeconfig of one cluster and one user. JSON is YAML. */
export function kubeconfig(server: string, authority: string, token: string): string {
  const name = 'clover-test';
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name,
        cluster: {
          server,
          'certificate-authority-data': Buffer.from(authority).toString('base64'),
        },
      },
    ],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: 'default' } }],
    'current-context': name,
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
