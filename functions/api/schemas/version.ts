import { z } from 'zod';

/** Answer of the version question. */
export const serverVersion = z
  .object({
    version: z.string().meta({ description: 'Of Clover: `0.1.0`.' }),
    node: z.string().meta({ description: 'Of the Node that runs it: `24.21.0`.' }),
    apiVersion: z.string().meta({ description: 'Of the resources that it serves.' }),
  })
  .meta({ id: 'Version' });

/** The versions of a server. */
export type ServerVersion = z.output<typeof serverVersion>;
