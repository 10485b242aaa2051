import { readFileSync } from 'node:fs';

import { z } from 'zod';

import type { Turn } from './conversation.ts';

/** Connections of a recording, each a list of writes: `>` from the client, `<` from the server, and the bytes in Base64. */
const connections = z.array(z.array(z.string().regex(/^[<>]/)));

/** The connections of `recorded/NAME.json`, in the order in which they were opened. */
export const recordedTurns = (name: string): Turn[][] =>
  connections
    .parse(JSON.parse(readFileSync(new URL(`recorded/${name}.json`, import.meta.url), 'utf8')))
    .map((turns) =>
      turns.map((text) => ({
        from: text.startsWith('>') ? ('client' as const) : ('server' as const),
        bytes: Buffer.from(text.slice(1), 'base64'),
      })),
    );

/** What the requests of a recording are, in the order of their spans: the lines of `recorded/NAME.log`. */
export const recordedLines = (name: string): string[] =>
  readFileSync(new URL(`recorded/${name}.log`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
