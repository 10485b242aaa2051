import { z } from 'zod';

/** A CloudEvent in its JSON form (CloudEvents 1.0.2, JSON event format). */
export const eventDocument = z
  .looseObject({
    specversion: z.literal('1.0'),
    id: z.string().min(1),
    source: z.string().min(1),
    type: z.string().min(1),
    subject: z.string().optional(),
    time: z.string().optional(),
    datacontenttype: z.string().optional(),
    dataschema: z.string().optional(),
    data: z.unknown().optional(),
    data_base64: z.string().optional(),
  })
  .meta({
    id: 'CloudEvent',
    description: 'CloudEvents 1.0 in the JSON event format; extensions are further members.',
  });

/** A CloudEvent in its JSON form; extensions are further members. */
export type EventDocument = z.output<typeof eventDocument>;

/** An event that could not be delivered. */
export const deadLetter = z
  .object({
    id: z.int().min(1),
    trigger: z.string(),
    attempts: z.int().min(1).exactOptional().meta({
      description: 'Attempts that were made; absent on Knative, which does not say.',
    }),
    at: z.int().meta({ description: 'When it was given up, Unix milliseconds.' }),
    event: eventDocument.meta({
      description: 'With knativeerrordest, knativeerrorcode and knativeerrordata.',
    }),
  })
  .meta({ id: 'DeadLetter' });

/** An event that could not be delivered. */
export type DeadLetterDocument = z.output<typeof deadLetter>;

/** One page of dead letters. */
export const deadLetterPage = z
  .object({
    items: z.array(deadLetter).meta({ description: 'Newest first.' }),
    next: z
      .int()
      .optional()
      .meta({ description: '`before` of the next page; absent on the last one.' }),
  })
  .meta({ id: 'DeadLetterPage' });

/** One page of dead letters, newest first. */
export type DeadLetterPage = z.output<typeof deadLetterPage>;

/** One event of the tail. */
export const tailedEvent = z
  .object({
    event: eventDocument,
    size: z.int().min(0).meta({ description: 'Bytes of its data.' }),
    missed: z.int().min(0).meta({ description: 'Events left out since the one before.' }),
  })
  .meta({ id: 'TailedEvent' });

/** One event of the tail; `missed` events were left out since the one before. */
export type TailedEvent = z.output<typeof tailedEvent>;
