import type { Document } from 'yaml';
import { CloverError } from '../functions/lib/errors.ts';

/**
 * The plain value of a parsed document.
 * @param body The text that it was parsed from.
 * @param where What the document is called in errors.
 * @throws CloverError CLV_RESOURCE_INVALID when it is no YAML, or holds what readers of YAML or of JSON do not agree on:
 *   a number with a leading zero, and a text that is no Unicode.
 */
export async function documentValue(
  document: Document.Parsed,
  body: string,
  where: string,
): Promise<unknown> {
  const { visit } = await import('yaml');
  const refuse = (at: number, message: string): CloverError => {
    const line = body.slice(0, at).split('\n').length;
    return new CloverError('CLV_RESOURCE_INVALID', `${where}: line ${line}: ${message}`);
  };
  try {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    visit(document, {
      Scalar: (_, { value, source = '', range }) => {
        const at = range?.[0] ?? 0;
        // 8 in YAML 1.1, which kubectl reads, and 10 in YAML 1.2.
        if (typeof value === 'number' && /^[-+]?0\d/.test(source)) {
          const fix = `write ${value}, or "${source}" where it is a text`;
          throw refuse(at, `found ${source}; a number has no leading zeros: ${fix}`);
        }
        if (typeof value === 'string' && !value.isWellFormed()) {
          const found = JSON.stringify(value.slice(0, 40));
          throw refuse(at, `found ${found}; half of a surrogate pair is no character`);
        }
      },
    });
    const value: unknown = document.toJS();
    return value;
  } catch (cause) {
    if (cause instanceof CloverError) throw cause;
    // Too many aliases come to light only here.
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CloverError('CLV_RESOURCE_INVALID', `${where} is not YAML: ${reason}`, { cause });
  }
}
