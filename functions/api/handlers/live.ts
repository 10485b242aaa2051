import { eventStream, eventStreamType } from '../event-stream.ts';
import type { LiveFeed } from '../live-feed.ts';
import { questions } from '../operations/questions.ts';
import { route, type Route } from '../route.ts';
import type { Clock } from '../../lib/clock.ts';

/** What the live view needs. */
export interface LiveRoutes {
  readonly feed: LiveFeed;
  readonly clock: Clock;
  readonly heartbeatMs: number;
}

/** The live view. */
export function liveRoutes({ feed, clock, heartbeatMs }: LiveRoutes): readonly Route[] {
  return [
    route(questions.live, async ({ headers }) => {
      const id = headers['last-event-id'];
      const known = typeof id === 'string' ? id : undefined;
      return {
        kind: 'stream',
        mediaType: eventStreamType,
        run: (sink) =>
          eventStream(sink, { clock, heartbeatMs }, async () => {
            for await (const frame of feed.follow(sink.signal, known)) {
              await sink.write(frame.text);
            }
          }),
      };
    }),
  ];
}
