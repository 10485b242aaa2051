import type { z } from 'zod';
import { spoolBytes } from '../../spool-bytes.ts';
import { quantity } from '../installation-values.ts';
import { bytesOf } from '../quantity.ts';

/** What may wait on a node, as an agent takes it. */
export const spoolQuantity: z.ZodType<string, string | number> = quantity.refine(
  (text) => bytesOf(text) >= spoolBytes.least && bytesOf(text) <= spoolBytes.most,
  'must be 64Ki to 1Pi',
);
