import type { Logger } from 'pino';
import { z } from 'zod';
import { every } from './every.ts';
import type { HttpClient } from './http-client.ts';
import { readTap, type KnownTap, type OpenTapList } from './tap-list.ts';

const list = z.object({ items: z.array(z.unknown()) });

const path = '/apis/clover.dev/v1alpha1/taps';
const pollMs = 1_000;
const timeoutMs = 5_000;

/** The Taps of a control plane's API, asked for each second; the last ones stay when it does not answer. */
export function tapPoll(http: HttpClient, log: Logger): OpenTapList {
  return (onChange) => {
    let taps: readonly KnownTap[] | undefined;
    let lastBody: Buffer | undefined;
    let failed = 0;
    let failing = false;

    const ask = async (signal: AbortSignal): Promise<void> => {
      const answer = await http.request({ method: 'GET', path, timeoutMs, signal });
      if (answer.status !== 200) throw new Error(`status ${answer.status}`);
      // Once a second for ever: parsing is for lists that changed.
      if (lastBody?.equals(answer.body) === true) return;
      const { items } = list.parse(JSON.parse(answer.body.toString('utf8')));
      taps = items.map(readTap);
      lastBody = answer.body;
      log.info({ taps: taps.length }, 'taps changed');
      onChange();
    };

    const polling = every(pollMs, async (signal) => {
      try {
        await ask(signal);
        failing = false;
      } catch (error) {
        if (signal.aborted) return;
        failed += 1;
        if (!failing) log.warn({ why: String(error) }, 'no taps from the API: the last ones stay');
        failing = true;
      }
    });

    return {
      taps: () => taps,
      get failed() {
        return failed;
      },
      stop: () => polling.stop(),
    };
  };
}
