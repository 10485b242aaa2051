import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { spawnKubectl } from '../kubectl.ts';
import type { ApiTier } from '../tiers/api.ts';

/** One answer. */
export interface Answer {
  readonly status: number;
  /** By lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Without white space around it. */
  readonly body: string;
  /** Milliseconds until the headers. */
  readonly took: number;
}

/** What says which arm of a run an answer is of; empty when nothing says it. */
export function stampOf({ headers }: Answer): string {
  return headers['x-clover-arm'] ?? '';
}

/** The program `echo ask` in a pod. */
export interface Asker {
  /**
   * Asks its server; many at one time, if they are not waited for.
   * @throws Error when there is no answer.
   */
  readonly get: (path?: string, headers?: Readonly<Record<string, string>>) => Promise<Answer>;
  readonly close: () => void;
}

/** A line of its output: test/cluster/modules/node/echo/ask.go. */
const line = z.object({
  id: z.int(),
  status: z.int(),
  headers: z.record(z.string(), z.string()).nullable(),
  body: z.string(),
  milliseconds: z.number(),
  error: z.string().exactOptional(),
});

/**
 * Starts it in a pod.
 * @param pod as kubectl takes it, with its namespace: `--namespace=shop`, `pod/client`.
 * @param origin of the server that it asks: `http://proxy:8080`.
 */
export async function startAsker(
  tier: ApiTier,
  pod: readonly string[],
  origin: string,
): Promise<Asker> {
  const child = await spawnKubectl(tier, 'exec', '-i', ...pod, '--', '/program', 'ask', origin);
  const waiting = new Map<number, PromiseWithResolvers<Answer>>();
  let ended: Error | undefined;
  const follow = async (): Promise<void> => {
    const said = text(child.stderr);
    for await (const each of createInterface(child.stdout)) {
      const { id, error, ...rest } = line.parse(JSON.parse(each));
      const asked = waiting.get(id);
      waiting.delete(id);
      if (error === undefined) asked?.resolve(answerOf(rest));
      else asked?.reject(new Error(error));
    }
    throw new Error(`echo ask has ended: ${await said}`);
  };
  follow().catch((error: unknown) => {
    ended = error instanceof Error ? error : new Error(String(error));
    for (const { reject } of waiting.values()) reject(ended);
  });
  // Its end is seen above, and says why.
  child.stdin.on('error', () => undefined);
  let ids = 0;
  return {
    get: async (path = '/', headers = {}) => {
      if (ended !== undefined) throw ended;
      const answered = Promise.withResolvers<Answer>();
      waiting.set((ids += 1), answered);
      child.stdin.write(`${JSON.stringify({ id: ids, path, headers })}\n`);
      return answered.promise;
    },
    close: () => {
      child.kill();
    },
  };
}

function answerOf({
  status,
  headers,
  body,
  milliseconds,
}: Pick<z.output<typeof line>, 'status' | 'headers' | 'body' | 'milliseconds'>): Answer {
  const byName: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers ?? {})) byName[name.toLowerCase()] = value;
  return { status, headers: byName, body: body.trim(), took: milliseconds };
}
