import { onBytes } from '../../../functions/host/event-handler.ts';
import { runFunction } from '../../../functions/host/run-function.ts';
import { startOrExit } from '../../../functions/host/start-or-exit.ts';

/** A function that takes events of one type and has nothing to say to them. */
startOrExit(() =>
  runFunction({
    name: 'hello',
    handlers: [onBytes('com.example.hello.v1', async () => undefined)],
  }),
);
