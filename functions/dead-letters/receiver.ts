import type { IncomingMessage, ServerResponse } from 'node:http';
import { decodeHttpMessage } from '../host/cloud-event-http.ts';
import type { HttpHandler } from '../host/function.ts';
import { readBody } from '../host/read-body.ts';
import { sendWhole } from '../host/send-whole.ts';
import type { Telemetry } from '../host/telemetry.ts';
import type { CloudEvent } from '../lib/cloud-event.ts';
import { CloverError } from '../lib/errors.ts';
import { excerpt } from '../lib/excerpt.ts';
import type { DeadLetterStore } from './clickhouse-dead-letters.ts';

/** An object of an API server is at most 1.5 MiB, and Knative's events are about objects. */
const mostBytes = 2 * 1024 * 1024;

/** A trigger, or a broker, by its name in Kubernetes. */
const path = /^\/deadletters\/([a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?)$/;

/**
 * Takes what Knative's dispatcher sends to a dead-letter sink: any event, at `POST /deadletters/<trigger>`. It answers 202 once the
 * letter is on the disk, and may be sent it again.
 */
export function createReceiver(
  store: Pick<DeadLetterStore, 'add'>,
  telemetry: Pick<Telemetry, 'count'>,
): HttpHandler {
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { url = '', method = '' } = request;
    const [asked = ''] = url.split('?', 1);
    const trigger = path.exec(asked)?.[1];
    if (trigger === undefined) {
      throw new CloverError('CLV_NOT_FOUND', `there is nothing at ${excerpt(asked)}`);
    }
    if (method !== 'POST') {
      response.setHeader('allow', 'POST');
      throw new CloverError('CLV_METHOD_NOT_ALLOWED', `${method} is not allowed, use POST`);
    }
    const body = await readBody(request, { bytes: mostBytes });
    const { event } = decodeHttpMessage(request.headersDistinct, body);
    if (event === undefined) {
      throw new CloverError('CLV_UNSUPPORTED_MEDIA_TYPE', 'a batch is not taken here');
    }
    await store.add(trigger, event);
    telemetry.count('clover.dead_letters.received', 1, { trigger, reason: reasonOf(event) });
    sendWhole(response, 202, {}, '');
  };
  return (request, response, fail) => void take(request, response).catch(fail);
}

/** What the function answered last. Whoever sends letters may write anything there, and a label is to have few values. */
function reasonOf({ extensions: { knativeerrorcode: code = '' } }: CloudEvent): string {
  return /^[1-5]\d\d$/.test(code) ? code : 'none';
}
