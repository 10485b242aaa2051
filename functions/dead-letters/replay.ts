import { isWebhookName, type FunctionEntry } from '../../knative/catalogue.ts';
import { createSink, type SinkOptions } from '../host/sink.ts';
import type { CloudEvent } from '../lib/cloud-event.ts';
import { CloverError } from '../lib/errors.ts';
import type { DeadLetterStore } from './clickhouse-dead-letters.ts';
import type { DeadLetterAdmin } from './dead-letter-admin.ts';

/** What a replay goes by. */
export interface ReplayOptions {
  readonly store: Omit<DeadLetterStore, 'add' | 'close'>;
  /** Whose triggers they are. */
  readonly catalogue: readonly FunctionEntry[];
  /** Where a function of the catalogue takes events, and the token that it asks for. */
  readonly sinkOf: (name: string) => Pick<SinkOptions, 'tokenFile' | 'url'>;
}

/**
 * Dead letters of Knative's broker. It has no way to one trigger alone, so a replay is one POST to the function of the trigger: not
 * to where the letter says that it was going, as anybody may have written that. What the function answers is no event.
 */
export function createReplay({ store, catalogue, sinkOf }: ReplayOptions): DeadLetterAdmin {
  return {
    deadLetters: (query) => store.deadLetters(query),
    deadLetter: (id) => store.deadLetter(id),
    dropDeadLetter: (id) => store.dropDeadLetter(id),
    async replayDeadLetter(id) {
      const letter = await store.deadLetter(id);
      if (letter === undefined) return false;
      const owner = catalogue.find(({ triggers }) =>
        triggers.some(({ name }) => name === letter.trigger),
      );
      const name = owner?.name ?? (isWebhookName(letter.trigger) ? 'notify' : undefined);
      if (name === undefined) {
        throw new CloverError('CLV_CONFLICT', `the trigger of dead letter ${id} does not exist`);
      }
      const at = owner === undefined ? `/functions/${letter.trigger}` : '';
      const { url, tokenFile } = sinkOf(name);
      await createSink({ url: new URL(at, url).href, tokenFile })(asItWas(letter.event));
      await store.dropDeadLetter(id);
      return true;
    },
  };
}

/** Without what Knative's dispatcher wrote on it. */
function asItWas(event: CloudEvent): CloudEvent {
  const {
    knativeerrordest: _dest,
    knativeerrorcode: _code,
    knativeerrordata: _data,
    ...extensions
  } = event.extensions;
  return { ...event, extensions };
}
