import { CloverError } from '../lib/errors.ts';

/** ClickHouse's codes for SQL that is wrong by itself: a retry cannot help. */
const wrongSql: ReadonlySet<string> = new Set([
  '42', // NUMBER_OF_ARGUMENTS_DOESNT_MATCH
  '43', // ILLEGAL_TYPE_OF_ARGUMENT
  '46', // UNKNOWN_FUNCTION
  '47', // UNKNOWN_IDENTIFIER
  '53', // TYPE_MISMATCH
  '62', // SYNTAX_ERROR
]);

/** Codes that say that the schema is not there (any more): 60 UNKNOWN_TABLE, 81 UNKNOWN_DATABASE. */
const noSchema: ReadonlySet<string> = new Set(['60', '81']);

/**
 * What a failure of ClickHouse means to callers. Everything but wrong SQL is
 * CLV_ANALYTICS_UNAVAILABLE: refused connections, credentials, limits, timeouts, a full disk.
 */
export function toCloverError(cause: unknown): CloverError {
  if (cause instanceof CloverError) return cause;
  const why = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause);
  if (wrongSql.has(codeOf(cause)))
    return new CloverError('CLV_INTERNAL', `ClickHouse refused the SQL: ${why}`, { cause });
  return new CloverError('CLV_ANALYTICS_UNAVAILABLE', `ClickHouse does not answer: ${why}`, {
    cause,
    retryAfter: 1,
  });
}

/** Whether the tables are missing, as after the data was wiped. */
export function isSchemaMissing(cause: unknown): boolean {
  return noSchema.has(codeOf(cause));
}

/** ClickHouse's own codes are numbers, those of Node are words: so it is not needed to load the client, which has the class. */
function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : '';
}
