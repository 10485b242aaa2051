import { z } from 'zod';
import { positiveDuration } from './meta-schemas.ts';
import { rules } from './rule.ts';

const percent = z
  .number()
  .min(0)
  .max(100)
  .default(100)
  .describe('Share of the requests that feel it, in percent.');

/** A fault on the way to one version. Never on a shared route: the other arm must not feel it. */
export const fault = z
  .strictObject({
    delay: z
      .strictObject({ duration: positiveDuration.describe('How long requests wait.'), percent })
      .optional()
      .describe('Requests wait before they are sent on.'),
    abort: z
      .strictObject({
        status: z.int().min(200).max(599).describe('HTTP status of the answer.'),
        percent,
      })
      .optional()
      .describe('Requests are answered by the gateway, and not sent on.'),
  })
  .meta(
    rules({
      rule: 'has(self.delay) || has(self.abort)',
      message: 'needs delay, abort or both',
    }),
  );

/** A fault: a delay, an abort, or both. */
export type Fault = z.output<typeof fault>;
