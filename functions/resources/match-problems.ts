import type { RequestMatch, TextMatch } from '../../knative/resources/traffic-policy.ts';
import type { ErrorDetail } from '../lib/errors.ts';
import { show } from '../lib/problem-words.ts';
import { re2Problem } from './re2.ts';

/**
 * Why no request can fit a match, or a gateway could not take it.
 * @param field its path.
 */
export function matchProblems({ path, headers = [] }: RequestMatch, field: string): ErrorDetail[] {
  return [
    ...textProblems(path, `${field}.path`, impossiblePath),
    ...headers.flatMap(({ value }, index) =>
      textProblems(value, `${field}.headers[${index}].value`, impossibleValue),
    ),
  ];
}

/** What no request can have: a match of it would be a rule that never matches. */
function impossiblePath(text: string): string | undefined {
  if (!text.startsWith('/')) return 'must begin with "/"';
  return /^[!-"$->@-~]*$/.test(text)
    ? undefined
    : 'must be percent-encoded, without the query ("?") and the fragment ("#")';
}

function impossibleValue(text: string): string | undefined {
  return text.isWellFormed() && /^[\t\x20-\x7e\u0080-\u{10ffff}]*$/u.test(text)
    ? undefined
    : 'must not hold control characters or half characters';
}

function textProblems(
  match: TextMatch | undefined,
  field: string,
  impossible: (text: string) => string | undefined,
): ErrorDetail[] {
  return Object.entries(match ?? {}).flatMap(([way, text = '']) => {
    const problem = way === 'regex' ? re2Problem(text) : impossible(text);
    if (problem === undefined) return [];
    const message =
      way === 'regex' ? `which ${problem}; must be an RE2 expression` : `which ${problem}`;
    return [{ field: `${field}.${way}`, message: `found ${show(text)}, ${message}` }];
  });
}
