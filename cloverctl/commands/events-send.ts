import { randomUUID } from 'node:crypto';
import { InvalidArgumentError, type Command } from 'commander';
import {
  coreAttributes,
  eventFromAttributes,
} from '../../functions/host/cloud-event-attributes.ts';
import { CloverError } from '../../functions/lib/errors.ts';
import { isJsonType } from '../../functions/lib/media-type.ts';
import { connect, type GlobalOptions } from '../connect.ts';
import type { CliEnv } from '../env.ts';
import { readBytes, readEvents, type ReadEvent } from '../event-files.ts';
import { writeJson } from '../output/print.ts';
import { errorDocument, reportError, type ErrorDocument } from '../report-error.ts';

interface SendOptions extends GlobalOptions {
  readonly filename?: string;
  readonly type?: string;
  readonly source?: string;
  readonly id?: string;
  readonly subject?: string;
  readonly time?: string;
  readonly dataschema?: string;
  readonly extension?: ReadonlyMap<string, string>;
  readonly data?: string;
  readonly dataFile?: string;
  readonly contentType?: string;
  readonly dryRun?: boolean;
}

const attributeOptions = [
  'type',
  'source',
  'id',
  'subject',
  'time',
  'dataschema',
  'extension',
  'data',
  'dataFile',
  'contentType',
] as const satisfies readonly (keyof SendOptions)[];

/** `events send`: gives events to the broker. */
export function registerSend(group: Command, env: CliEnv): void {
  group
    .command('send')
    .description('give an event to the broker, or those of a file')
    .option('--type <type>', 'type of the event, for example com.example.hello')
    .option('--source <uri>', 'where it happened, for example /shop/orders')
    .option('--id <id>', 'with the source it is the same event only once (default: a new UUID)')
    .option('--subject <text>', 'what it is about')
    .option('--time <time>', 'when it happened, RFC 3339 (default: now)')
    .option('--dataschema <uri>', 'schema of the data')
    .option('--extension <name=value>', 'an extension attribute; may be repeated', parseExtension)
    .option('--data <text>', 'the data; JSON unless --content-type says otherwise')
    .option('--data-file <file>', 'the data byte for byte, from a file or - for stdin')
    .option('--content-type <type>', 'media type of the data (default: application/json)')
    .option('-f, --filename <file>', 'event, batch, or an event a line, in JSON; - for stdin')
    .option('--dry-run', 'check everything here, and send nothing')
    .action((_: unknown, command: Command) => send(command.optsWithGlobals<SendOptions>(), env));
}

async function send(options: SendOptions, env: CliEnv): Promise<void> {
  const { filename } = options;
  const dryRun = options.dryRun === true;
  const events =
    filename === undefined
      ? [await eventOf(options, env)]
      : await readEvents(onlyFile(options, filename), env);
  const client = dryRun ? undefined : await connect(options, env);
  const items: object[] = [];
  const errors: (ErrorDocument & { readonly where: string })[] = [];
  for (const { event, where } of events) {
    const { id, source, type } = event;
    try {
      await client?.publishBytes(event);
    } catch (error) {
      const prefix = where === '' ? '' : `${where}: `;
      if (!isOfThisEvent(error) && events.length > 1) {
        env.stderr.write(`${items.length} of ${events.length} events were accepted\n`);
      }
      if (options.json !== true && !isOfThisEvent(error)) throw error;
      errors.push({ where, ...errorDocument(error) });
      reportError(error, env, false, prefix);
      if (!isOfThisEvent(error)) break;
      continue;
    }
    items.push({ id, source, type });
    if (options.json !== true) {
      env.stdout.write(`event ${id} ${dryRun ? 'is valid (dry run)' : 'accepted'}\n`);
    }
  }
  if (options.json === true) writeJson(env, { items, ...(errors.length > 0 ? { errors } : {}) });
}

/** Whether the next event may do better. */
const isOfThisEvent = (error: unknown): boolean =>
  error instanceof CloverError &&
  (error.code === 'CLV_EVENT_INVALID' || error.code === 'CLV_BODY_TOO_LARGE');

function onlyFile(options: SendOptions, filename: string): string {
  const other = attributeOptions.find((name) => options[name] !== undefined);
  if (other === undefined) return filename;
  const flag = other.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new CloverError('CLV_ARGUMENT_INVALID', `send: give either -f or --${flag}, not both`);
}

async function eventOf(options: SendOptions, env: CliEnv): Promise<ReadEvent> {
  const { type, source, subject, dataschema } = options;
  if (type === undefined || source === undefined) {
    const message = 'send: give --type and --source, or -f FILE';
    throw new CloverError('CLV_ARGUMENT_INVALID', message);
  }
  const { data, contentType } = await dataOf(options, env);
  const attributes = new Map<string, string>([
    ['specversion', '1.0'],
    ['id', options.id ?? randomUUID()],
    ['source', source],
    ['type', type],
    ['time', options.time ?? new Date(env.clock.now()).toISOString()],
    ...given('subject', subject),
    ...given('dataschema', dataschema),
    ...given('datacontenttype', contentType),
    ...(options.extension ?? []),
  ]);
  return { event: eventFromAttributes(attributes, data), where: '' };
}

const given = (name: string, value: string | undefined): [string, string][] =>
  value === undefined ? [] : [[name, value]];

async function dataOf(
  { data: text, dataFile, contentType }: SendOptions,
  env: CliEnv,
): Promise<{ readonly data: Buffer; readonly contentType: string | undefined }> {
  if (text !== undefined && dataFile !== undefined) {
    throw new CloverError('CLV_ARGUMENT_INVALID', 'send: give --data or --data-file, not both');
  }
  if (text === undefined && dataFile === undefined) return { data: Buffer.alloc(0), contentType };
  const data = dataFile === undefined ? Buffer.from(text ?? '') : await readBytes(dataFile, env);
  const type = contentType ?? 'application/json';
  if (isJsonType(type)) assertJson(data, dataFile === undefined ? '--data' : dataFile);
  return { data, contentType: type };
}

function assertJson(data: Buffer, where: string): void {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `${where} is not JSON: ${reason}; name another --content-type, such as text/plain`;
    throw new CloverError('CLV_ARGUMENT_INVALID', message, { cause });
  }
}

function parseExtension(
  text: string,
  before: ReadonlyMap<string, string> = new Map(),
): ReadonlyMap<string, string> {
  const [, name = '', value = ''] = /^([a-z0-9]+)=(.*)$/s.exec(text) ?? [];
  if (name === '') {
    throw new InvalidArgumentError('must be NAME=VALUE with lower-case letters and digits as NAME');
  }
  if (coreAttributes.has(name) || name === 'data') {
    throw new InvalidArgumentError(`"${name}" is no extension: it has an option of its own`);
  }
  return new Map([...before, [name, value]]);
}
