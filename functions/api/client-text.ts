import { CloverError } from '../lib/errors.ts';
import { unreachable } from './unreachable.ts';

/** One server-sent event (HTML Standard §9.2), of those that have data. */
export interface ServerSentEvent {
  /** `message` where the server named none. */
  readonly event: string;
  readonly data: string;
  /** The last id that the stream has given so far. */
  readonly id: string;
}

/**
 * The lines of a streamed answer, without their ends.
 * @throws CloverError CLV_CONTROL_PLANE_UNREACHABLE when the stream breaks off.
 */
export async function* linesOf(response: Response): AsyncGenerator<string> {
  let rest = '';
  try {
    for await (const chunk of (response.body ?? new ReadableStream<Uint8Array>()).pipeThrough(
      new TextDecoderStream(),
    )) {
      const parts = (rest + chunk).split(/\r?\n/);
      rest = parts.pop() ?? '';
      yield* parts;
    }
  } catch (error) {
    // A stream that breaks off is a control plane that went away.
    throw error instanceof CloverError ? error : unreachable(response.url, error);
  }
}

/**
 * The events of a `text/event-stream`.
 * @throws CloverError CLV_CONTROL_PLANE_UNREACHABLE when the stream breaks off.
 */
export async function* serverSentEvents(response: Response): AsyncGenerator<ServerSentEvent> {
  let event = 'message';
  let data: string[] = [];
  let id = '';
  for await (const line of linesOf(response)) {
    if (line === '') {
      if (data.length > 0) yield { event, data: data.join('\n'), id };
      event = 'message';
      data = [];
      continue;
    }
    const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
    if (field === 'data') data.push(value);
    else if (field === 'event') event = value;
    else if (field === 'id') id = value;
  }
}
