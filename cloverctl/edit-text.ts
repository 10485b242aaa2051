import type { ErrorDocument } from './report-error.ts';

const head = [
  'Edit the object below and save it: it is applied when the editor ends.',
  'Lines like this one, at the top, are no part of it. An empty file changes nothing.',
];

/** The text that an editor opens: what to do, why it was refused if it was, and the object. */
export function textToEdit(body: string, refused?: ErrorDocument): string {
  const reasons =
    refused === undefined
      ? []
      : [
          '',
          `It was refused: ${refused.message}`,
          ...refused.details.map(({ field, message }) => `  ${field}: ${message}`),
        ];
  // Whatever a message holds, no line of it may become a part of the object.
  const lines = [...head, ...reasons].flatMap((text) =>
    text.split(/\r\n|[\n\r\u0085\u2028\u2029]/),
  );
  return `${[...lines, ''].map((line) => `# ${line}`.trimEnd()).join('\n')}\n${body}`;
}

/** The object's text alone: without the comments at the top. */
export function bodyOfEdit(text: string): string {
  return text.replace(/^(?:#.*(?:\r?\n|$))*/, '');
}
