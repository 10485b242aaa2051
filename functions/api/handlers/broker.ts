import type { DeadLetter, DeadLetterAdmin } from '../../dead-letters/dead-letter-admin.ts';
import type { BrokerAdmin } from '../../host/broker/admin.ts';
import { compileFilters } from '../../host/broker/filters.ts';
import type { Clock } from '../../lib/clock.ts';
import { isList } from '../../lib/plain-value.ts';
import { CloverError } from '../../lib/errors.ts';
import { eventDocumentOf } from '../event-document.ts';
import { eventStream, eventStreamType, eventText } from '../event-stream.ts';
import { broker as operations } from '../operations/broker.ts';
import { done, json } from '../reply.ts';
import { route, type Route } from '../route.ts';
import type { DeadLetterDocument } from '../schemas/broker.ts';

/** What the tail of the broker needs. */
export interface TailRoutes {
  /** The broker starts after the functions that it serves. */
  readonly broker: () => Promise<BrokerAdmin>;
  readonly clock: Clock;
  readonly heartbeatMs: number;
}

/** The tail of events. */
export function tailRoutes({ broker, clock, heartbeatMs }: TailRoutes): readonly Route[] {
  return [
    route(operations.tail, async ({ query: { filter } }) => {
      const passing =
        filter === undefined ? undefined : compileFilters(isList(filter) ? filter : [filter]);
      const admin = await broker();
      return {
        kind: 'stream',
        mediaType: eventStreamType,
        run: (sink) =>
          eventStream(sink, { clock, heartbeatMs }, async () => {
            for await (const { event, missed } of admin.tail(sink.signal, passing)) {
              const data = { event: eventDocumentOf(event), size: event.data.length, missed };
              await sink.write(eventText({ data }));
            }
          }),
      };
    }),
  ];
}

/**
 * The dead letters.
 * @param admin the broker starts after the functions that it serves.
 */
export function deadLetterRoutes(admin: () => Promise<DeadLetterAdmin>): readonly Route[] {
  return [
    route(operations.letters, async ({ query: { limit, before, trigger } }) => {
      const letters = await (
        await admin()
      ).deadLetters({
        // One more tells whether there is another page.
        limit: limit + 1,
        ...(before === undefined ? {} : { before }),
        ...(trigger === undefined ? {} : { trigger }),
      });
      const items = letters.slice(0, limit);
      const next = letters.length > limit ? items.at(-1)?.id : undefined;
      return json({ items: items.map(document), ...(next === undefined ? {} : { next }) });
    }),

    route(operations.letter, async ({ params: { id } }) => {
      const letter = await (await admin()).deadLetter(id);
      if (letter === undefined) throw missing(id);
      return json(document(letter));
    }),

    route(operations.drop, async ({ params: { id } }) => {
      if (!(await (await admin()).dropDeadLetter(id))) throw missing(id);
      return done;
    }),

    route(operations.replay, async ({ params: { id } }) => {
      if (!(await (await admin()).replayDeadLetter(id))) throw missing(id);
      return done;
    }),
  ];
}

const missing = (id: number): CloverError =>
  new CloverError('CLV_NOT_FOUND', `there is no dead letter ${id}`);

function document({ event, ...letter }: DeadLetter): DeadLetterDocument {
  return { ...letter, event: eventDocumentOf(event) };
}
