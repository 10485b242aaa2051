import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { decodeBatch, decodeStructured } from '../functions/host/cloud-event-json.ts';
import type { CloudEvent } from '../functions/lib/cloud-event.ts';
import { CloverError } from '../functions/lib/errors.ts';
import type { CliEnv } from './env.ts';
import { readFault } from './read-fault.ts';
import { utf8Text } from './utf8.ts';

/** An event that was read, and where from. */
export interface ReadEvent {
  readonly event: CloudEvent;
  /** `events.json[2]`, `stdin line 3`, or the file alone. */
  readonly where: string;
}

/**
 * The events of a file, or of stdin as `-`: one in the JSON event format, a batch of them, or one on each line.
 * @throws CloverError CLV_ARGUMENT_INVALID, CLV_EVENT_INVALID with every place that is wrong.
 */
export async function readEvents(path: string, env: CliEnv): Promise<readonly ReadEvent[]> {
  const name = path === '-' ? 'stdin' : path;
  const body = await readBytes(path, env);
  const text = utf8Text(body, name, 'CLV_EVENT_INVALID');
  const found = isBatch(body) ? batch(name, body) : (lines(name, text) ?? one(name, body));
  if (found.length > 0) return found;
  throw new CloverError('CLV_ARGUMENT_INVALID', `${name} holds no event`);
}

/**
 * What a file holds, or stdin as `-`.
 * @throws CloverError CLV_ARGUMENT_INVALID.
 */
export async function readBytes(path: string, env: CliEnv): Promise<Buffer> {
  try {
    return path === '-' ? await buffer(env.stdin) : await readFile(path);
  } catch (cause) {
    const message = `cannot read ${path}: ${readFault(cause)}`;
    throw new CloverError('CLV_ARGUMENT_INVALID', message, { cause });
  }
}

const isBatch = (body: Buffer): boolean => /^\s*\[/.test(body.toString('latin1', 0, 1_024));

function batch(name: string, body: Buffer): readonly ReadEvent[] {
  const items = decodeBatch(body);
  const details = items.flatMap(({ error }) => error?.details ?? []);
  if (details.length > 0) throw invalid(name, details);
  return items.flatMap((item, index) =>
    'event' in item ? [{ event: item.event, where: `${name}[${index}]` }] : [],
  );
}

/** Undefined when it is not one event on each line; of a single line the whole file is said to be the place. */
function lines(name: string, body: string): readonly ReadEvent[] | undefined {
  const texts = body.split('\n');
  const filled = texts.flatMap((text, index) => (text.trim() === '' ? [] : [{ text, index }]));
  if (filled.length < 2 || !isJson(filled[0]?.text ?? '')) return undefined;
  return filled.flatMap(({ text, index }) => one(`${name} line ${index + 1}`, Buffer.from(text)));
}

function one(where: string, body: Buffer): readonly ReadEvent[] {
  if (body.toString('latin1').trim() === '') return [];
  try {
    return [{ event: decodeStructured(body), where }];
  } catch (error) {
    if (!(error instanceof CloverError)) throw error;
    const { details, message } = error;
    if (details.length > 0) throw invalid(where, details);
    throw new CloverError('CLV_EVENT_INVALID', `${where}: ${message}`, { cause: error });
  }
}

function invalid(name: string, details: CloverError['details']): CloverError {
  const message = `${name} is not a valid CloudEvent 1.0`;
  return new CloverError('CLV_EVENT_INVALID', message, { details });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
