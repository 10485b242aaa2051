import type { CloudEvent } from '../lib/cloud-event.ts';
import type { Clock } from '../lib/clock.ts';
import { eventHeaders } from '../lib/event-headers.ts';
import type { TriggerFilter } from '../../knative/filters.ts';
import { followStream } from './client-follow.ts';
import { found } from './client-found.ts';
import { queryText, type DeadLetterRequest } from './client-paths.ts';
import {
  deadLetter,
  deadLetterPage,
  tailedEvent,
  type DeadLetterDocument,
  type DeadLetterPage,
  type EventDocument,
  type TailedEvent,
} from './schemas/broker.ts';
import type { Transport } from './transport.ts';

/** What a reader of the tail asks for. */
export interface TailRequest {
  readonly signal: AbortSignal;
  /** Only events that pass every one; the server applies them. */
  readonly filters?: readonly TriggerFilter[];
  /** Called when a stream that broke is open again: events that the broker took between were missed. */
  readonly onResume?: () => void;
}

/** The broker's part of the API, typed. Every method throws the server's CloverError. */
export interface BrokerClient {
  /** Gives an event to the broker; resolves once it is committed. */
  publish(event: EventDocument): Promise<void>;
  /** The same in binary mode: its data goes byte for byte. */
  publishBytes(event: CloudEvent): Promise<void>;
  /**
   * The broker's events as they are taken, from now on; goes on after a restart of the server.
   * @throws CloverError CLV_FILTER_INVALID with the field that is wrong.
   */
  tailEvents(request: TailRequest): AsyncIterable<TailedEvent>;
  /** One page of dead letters, newest first. */
  deadLetters(query?: DeadLetterRequest): Promise<DeadLetterPage>;
  /** The dead letter, or undefined. */
  deadLetter(id: number): Promise<DeadLetterDocument | undefined>;
  /**
   * Gives the letter to its own trigger again, with all attempts.
   * @throws CloverError CLV_NOT_FOUND; CLV_CONFLICT when its trigger does not exist any more.
   */
  replayDeadLetter(id: number): Promise<void>;
  /**
   * Deletes the letter for good.
   * @throws CloverError CLV_NOT_FOUND.
   */
  dropDeadLetter(id: number): Promise<void>;
}

/** Speaks to the broker of one control plane. */
export function brokerClient(transport: Transport, clock: Clock): BrokerClient {
  const ask = async <T>(path: string, read: (body: unknown) => T): Promise<T> =>
    (await transport.send(path)).json(read);
  return {
    publish: async (event) => {
      const headers = { 'content-type': 'application/cloudevents+json' };
      await transport.send('/broker', { method: 'POST', body: event, headers });
    },

    publishBytes: async (event) => {
      const bytes = new Uint8Array(event.data);
      await transport.send('/broker', { method: 'POST', bytes, headers: eventHeaders(event) });
    },

    async *tailEvents({ signal, filters = [], onResume }) {
      const filter = filters.length === 0 ? undefined : JSON.stringify(filters);
      const path = `/v1/events${queryText({ filter })}`;
      for await (const { data } of followStream(transport, clock, { path, signal, onResume })) {
        yield tailedEvent.parse(JSON.parse(data));
      }
    },

    deadLetters: (query = {}) =>
      ask(`/v1/deadletters${queryText({ ...query })}`, (body) => deadLetterPage.parse(body)),

    deadLetter: (id) => found(ask(`/v1/deadletters/${id}`, (body) => deadLetter.parse(body))),

    replayDeadLetter: async (id) => {
      await transport.send(`/v1/deadletters/${id}/replay`, { method: 'POST' });
    },

    dropDeadLetter: async (id) => {
      await transport.send(`/v1/deadletters/${id}`, { method: 'DELETE' });
    },
  };
}
