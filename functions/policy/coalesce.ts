/**
 * Runs `work` one at a time. Calls that come while it runs share the one run after it, so every call is
 * served by a run that began after the call.
 *
 * @param merge joins the requests of calls that share a run.
 */
export function coalesce<Request>(
  work: (request: Request) => Promise<void>,
  merge: (left: Request, right: Request) => Request,
): (request: Request) => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  let next: { request: Request; readonly done: Promise<void> } | undefined;

  return async (request) => {
    if (next !== undefined) {
      next.request = merge(next.request, request);
      return next.done;
    }
    const begin = async (): Promise<void> => {
      const served = next?.request ?? request;
      next = undefined;
      await work(served);
    };
    // One run's failure belongs to its callers; the run after it starts all the same.
    const done = running.then(begin, begin);
    next = { request, done };
    running = done;
    return done;
  };
}
