import type { IncomingMessage, ServerResponse } from 'node:http';
import { catalogue } from '../../knative/catalogue.ts';
import { brokerNames } from '../../knative/render/broker.ts';
import { decodeHttpMessage } from '../host/cloud-event-http.ts';
import type { HttpHandler } from '../host/function.ts';
import { asCloverError } from '../host/problem.ts';
import { readBody } from '../host/read-body.ts';
import { sendWhole } from '../host/send-whole.ts';
import type { Telemetry } from '../host/telemetry.ts';
import type { CloudEvent } from '../lib/cloud-event.ts';
import { CloverError } from '../lib/errors.ts';
import { excerpt } from '../lib/excerpt.ts';
import type { Log } from '../lib/log.ts';
import type { DeadLetterStore } from './clickhouse-dead-letters.ts';

/** An object of an API server is at most 1.5 MiB, as events are that say all of it; others of ours are at most 256 KiB. */
const mostBytes = 2 * 1024 * 1024;

/** A trigger, or a broker, by its name in Kubernetes. */
const path = /^\/deadletters\/([a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?)$/;

/** Who has this dead-letter sink, as Clover is rendered. */
const senders: ReadonlySet<string> = new Set([
  ...brokerNames,
  ...catalogue.flatMap(({ triggers }) => triggers.map(({ name }) => name)),
]);

/** Whoever sends letters may put any name into the path, and a label is to have few values. */
const labelOf = (trigger: string): string => (senders.has(trigger) ? trigger : 'other');

/**
 * Takes what Knative's dispatcher sends to a dead-letter sink: any event, at `POST /deadletters/<trigger>`. It answers 202 once the
 * letter is on the disk, and may be sent it again. What it refuses for good is counted, and named in the log.
 */
export function createReceiver(
  store: Pick<DeadLetterStore, 'add'>,
  telemetry: Pick<Telemetry, 'count'>,
  log: Pick<Log, 'error'>,
): HttpHandler {
  /** The dispatcher does not send again what is 4xx, and has no other place for it. */
  const tellLoss = (trigger: string, request: IncomingMessage, err: unknown): void => {
    // A sender that broke off sends it again.
    if (request.destroyed && !request.complete) return;
    const isLarge = asCloverError(err).code === 'CLV_BODY_TOO_LARGE';
    const cause = isLarge ? 'body' : 'invalid';
    telemetry.count('clover.dead_letters.refused', 1, { trigger: labelOf(trigger), cause });
    log.error({ trigger, ...namesOf(request), err }, 'a dead letter is refused, and lost');
  };

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
    const event = await eventIn(request).catch((error: unknown) => {
      tellLoss(trigger, request, error);
      throw error;
    });
    await store.add(trigger, event);
    const labels = { trigger: labelOf(trigger), reason: reasonOf(event) };
    telemetry.count('clover.dead_letters.received', 1, labels);
    sendWhole(response, 202, {}, '');
  };
  return (request, response, fail) => void take(request, response).catch(fail);
}

async function eventIn(request: IncomingMessage): Promise<CloudEvent> {
  const body = await readBody(request, { bytes: mostBytes });
  const { event } = decodeHttpMessage(request.headersDistinct, body);
  if (event !== undefined) return event;
  throw new CloverError('CLV_UNSUPPORTED_MEDIA_TYPE', 'a batch is not taken here');
}

/** As far as headers tell which event it is: Knative sends in binary mode what it was sent so. */
function namesOf({ headers }: IncomingMessage): Record<string, string> {
  const names = ['ce-type', 'ce-source', 'ce-id', 'content-type', 'content-length'];
  const said = names.flatMap((name): [string, string][] => {
    const value = headers[name];
    return typeof value === 'string' ? [[name, excerpt(value)]] : [];
  });
  return Object.fromEntries(said);
}

/** What the function answered last; a sender may write anything there, too. */
function reasonOf({ extensions: { knativeerrorcode: code = '' } }: CloudEvent): string {
  return /^[1-5]\d\d$/.test(code) ? code : 'none';
}
