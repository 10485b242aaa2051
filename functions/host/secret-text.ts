import { readFileSync } from 'node:fs';
import { z } from 'zod';

const reference = z.strictObject({ file: z.string().min(1) });

/**
 * A secret of a configuration: the text itself, or `{"file": PATH}`, as a cluster mounts its Secrets; white space at the end of a file
 * is no part of it.
 * @param rule for the text.
 */
export function secretText(
  rule: z.ZodType<string, string>,
): z.ZodType<string, string | { file: string }> {
  return z.preprocess((value, context) => {
    const found = reference.safeParse(value);
    if (!found.success) return value;
    try {
      return readFileSync(found.data.file, 'utf8').trimEnd();
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      context.addIssue({ code: 'custom', message: `the file cannot be read: ${why}` });
      return z.NEVER;
    }
  }, rule);
}
