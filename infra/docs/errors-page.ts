import { decide } from '../../functions/host/broker/back-off.ts';
import { problemOf } from '../../functions/host/problem.ts';
import { errorCatalogue, type ErrorEntry } from '../../functions/lib/error-catalogue.ts';
import { CloverError } from '../../functions/lib/errors.ts';
import { markdownTable } from './markdown.ts';

const example = new CloverError(
  'CLV_RESOURCE_INVALID',
  'TrafficPolicy "proxy" is invalid: spec.rules[0].spilt: unknown field, did you mean "split"?',
  {
    details: [{ field: 'spec.rules[0].spilt', message: 'unknown field, did you mean "split"?' }],
  },
);

/** `docs/errors.md`. */
export function errorsPage(): string {
  const entries: [string, ErrorEntry][] = Object.entries(errorCatalogue);
  const rows = entries.map(([code, { status, meaning, fix }]) => [
    `\`${code}\``,
    String(status),
    decide(status) === 'retry' ? 'tried again' : 'dead letter',
    meaning,
    fix,
  ]);
  return `# Errors

Every error that Clover answers has a stable code. Over HTTP it is \`application/problem+json\`:

\`\`\`
${JSON.stringify(problemOf(example), null, 2)}
\`\`\`

\`details\` names every bad field: its path, what was found, what is allowed. A \`Retry-After\` header comes with what
passes by itself. \`cloverctl\` prints the same sentences, and turns the code into its [exit code](cli.md#exit-codes).

A function that fails with one of these errors says with its status what happens to the event, by Knative's table: 404,
408, 409, 429 and 5xx are tried again, as often as the trigger's \`delivery\` says, and then the event is a dead letter;
with any other 4xx it is one at once. See [functions](functions.md#errors).

${markdownTable(['code', 'status', 'an event is', 'meaning', 'what to do'], rows)}`;
}
