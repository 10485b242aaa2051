import { audienceOf } from '../../knative/render/audience.ts';
import { sha256 } from '../lib/canonical-json.ts';
import { CloverError } from '../lib/errors.ts';
import { excerpt } from '../lib/excerpt.ts';
import { monotonicMs } from '../lib/monotonic.ts';
import { createRecent } from '../lib/recent.ts';
import { createAccountTokens } from '../resources/kubernetes/account-tokens.ts';
import type { KubeClient } from '../resources/kubernetes/client.ts';
import { bearerToken, reviewToken } from '../resources/kubernetes/token-review.ts';

/** What is known of a request before its body is read. */
export interface SenderRequest {
  readonly authorization: string | undefined;
  /** Without the query. */
  readonly path: string;
}

/**
 * Lets in who may send events to a function.
 * @throws CloverError CLV_UNAUTHORIZED when it is not known who sends, CLV_FORBIDDEN when they may not; whatever kept it from being
 * found out.
 */
export type AdmitSender = (request: SenderRequest) => Promise<void>;

/**
 * Whose tokens count: `agents`, those of the account of agents; `eventing`, those of the installation's other accounts, as Eventing
 * delivers by one of each Trigger, PingSource and Subscription, which it makes in their namespace; `anybody`, none is asked for.
 */
export type Senders = 'agents' | 'anybody' | 'eventing';

/** Options of {@link createSenderGuard}. */
export interface SenderGuardOptions {
  readonly client: KubeClient;
  /** Of the installation. */
  readonly namespace: string;
  /** Of the function. */
  readonly name: string;
  /** The account of agents. */
  readonly agents: string;
  /** Who may send to a path. */
  readonly sendersTo: (path: string) => Senders;
  /** Milliseconds of a clock that nobody sets. */
  readonly now?: () => number;
}

/** As long as a kubelet keeps what it was told of a token (`authentication.webhook.cacheTTL`): a pod that is gone sends no longer. */
const keptMs = 120_000;
/** Agents of as many nodes; a hash and a name each. */
const mostKept = 4_096;

/**
 * Asks the cluster who sends: it takes a token for this function, of an account that may. Those of agents are reviewed: while the API
 * server does not answer nobody is let in but those that were within the last two minutes, and what is refused is asked again each time. Those of
 * Eventing are verified by the server's keys, which are asked for once ({@link createAccountTokens}).
 */
export function createSenderGuard(options: SenderGuardOptions): AdmitSender {
  const { client, namespace, name, agents, sendersTo, now = monotonicMs } = options;
  const audience = audienceOf(namespace, name);
  const reviewed = createRecent<string>({ ms: keptMs, most: mostKept, now });
  const accounts = createAccountTokens(client, { now });
  const known = (username: string | undefined): string => {
    if (username !== undefined) return username;
    const message = `the cluster does not take this token: it has expired, is none, or is for another audience than ${audience}`;
    throw new CloverError('CLV_UNAUTHORIZED', message);
  };
  const senderOf = async (token: string, wanted: Senders): Promise<string> => {
    if (wanted === 'eventing') return known(await accounts.userOf(token, audience));
    return reviewed.get(sha256(token), async () =>
      known((await reviewToken(client, token, audience))?.username),
    );
  };
  return async ({ authorization, path }) => {
    const wanted = sendersTo(path);
    if (wanted === 'anybody') return;
    const token = bearerToken(authorization);
    if (token === undefined) {
      const message = `send Authorization: Bearer with a token of the cluster for the audience ${audience}`;
      throw new CloverError('CLV_UNAUTHORIZED', message);
    }
    const username = await senderOf(token, wanted);
    const [, of, account] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(username) ?? [];
    if (of === namespace && (account === agents) === (wanted === 'agents')) return;
    const who =
      wanted === 'agents'
        ? `only the account ${agents} of ${namespace} may`
        : `only accounts of ${namespace} may, and not that of agents`;
    const message = `${excerpt(username)} may not send to ${name}: ${who}`;
    throw new CloverError('CLV_FORBIDDEN', message);
  };
}
