import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

/** What Envoy thinks of one xDS file. */
export interface Subscription {
  /** `version_info` of what it last accepted; undefined before the first. */
  readonly version: string | undefined;
  /** How often it refused, since it started. */
  readonly rejected: number;
}

/** Envoy's admin interface, reduced to what an acknowledgement needs. */
export interface EnvoyAdmin {
  /**
   * The subscriptions, by statistics prefix: `cluster_manager.cds`, `listener_manager.lds`,
   * `http.port-<port>.rds.port-<port>`. Undefined when Envoy cannot be reached.
   */
  subscriptions(): Promise<ReadonlyMap<string, Subscription> | undefined>;
  /** Why Envoy refused listeners, as its configuration dump says it. */
  listenerErrors(): Promise<readonly string[]>;
  /**
   * Asks clients to connect anew, with each answer from now on; Envoy still takes requests and connections.
   * @returns false when Envoy cannot be reached.
   */
  drain(): Promise<boolean>;
  /** Closes kept connections. */
  close(): void;
}

const filter = String.raw`^(cluster_manager\.cds|listener_manager\.lds|http\.port-\d+\.rds\.port-\d+)\.(version_text|update_rejected)$`;

/** Envoy was started anew since the last call: the kept connection is dead, Envoy is not. */
const stale = new Error('stale connection');

const listenerDump = z.object({
  configs: z
    .array(z.object({ error_state: z.object({ details: z.string() }).optional() }))
    .default([]),
});

/** An admin client over Envoy's Unix socket. */
export function createEnvoyAdmin(options: {
  readonly socketPath: string;
  /** For one answer. @default 500 */
  readonly timeoutMs?: number;
}): EnvoyAdmin {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const { socketPath, timeoutMs = 500 } = options;

  const ask = async (path: string, method: 'GET' | 'POST' = 'GET'): Promise<string> => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const signal = AbortSignal.timeout(timeoutMs);
    const call = request({ socketPath, path, method, agent, signal });
    call.on('error', (error) => reject(call.reusedSocket && !signal.aborted ? stale : error));
    call.on('response', (response) => {
      text(response).then(resolve, reject);
    });
    call.end();
    return promise;
  };
  const get = async (path: string): Promise<string> => {
    try {
      return await ask(path);
    } catch (error) {
      if (error !== stale) throw error;
      return ask(path);
    }
  };

  return {
    subscriptions: async () => {
      const query = `/stats?filter=${encodeURIComponent(filter)}`;
      return get(query).then(parseSubscriptions, () => undefined);
    },
    listenerErrors: async () => {
      const dump = await get('/config_dump?resource=dynamic_listeners&mask=error_state').catch(
        () => '{}',
      );
      const { configs } = listenerDump.parse(JSON.parse(dump));
      return [...new Set(configs.flatMap(({ error_state: error }) => error?.details ?? []))];
    },
    // A server whose health check fails closes connections behind their next answer.
    drain: async () => {
      const answer = await ask('/healthcheck/fail', 'POST').catch(() => undefined);
      return answer !== undefined;
    },
    close: () => agent.destroy(),
  };
}

/** Subscriptions from the text of `/stats`. */
export function parseSubscriptions(stats: string): ReadonlyMap<string, Subscription> {
  const found = new Map<string, Subscription>();
  for (const line of stats.split('\n')) {
    const parts = /^(.+)\.(version_text|update_rejected): (.*)$/.exec(line);
    if (parts === null) continue;
    const [, name = '', field, value = ''] = parts;
    const known = found.get(name) ?? { version: undefined, rejected: 0 };
    const version = value.replace(/^"(.*)"$/, '$1');
    found.set(
      name,
      field === 'update_rejected'
        ? { ...known, rejected: Number(value) }
        : { ...known, version: version === '' ? undefined : version },
    );
  }
  return found;
}
