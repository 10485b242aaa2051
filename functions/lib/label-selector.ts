import { CloverError } from './errors.ts';

/** Labels of an object; undefined when it has none. */
export type Labels = Readonly<Record<string, string>> | undefined;

/** Whether an object with these labels is meant. */
export type LabelSelector = (labels: Labels) => boolean;

type Requirement = (value: string | undefined) => boolean;

const name = '[A-Za-z0-9](?:[-\\w.]{0,61}[A-Za-z0-9])?';
const prefix = '(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/)?';
const key = `${prefix}${name}`;
// Blanks are in one place only behind each comma, so that no text is tried in two ways.
const list = `\\s*(?:${name}\\s*)?(?:,\\s*(?:${name}\\s*)?)*`;

/** One requirement and the comma behind it: `key`, `!key`, `key=value`, `key in (a, b)`, `key>1`. */
const grammar = new RegExp(
  `\\s*(?:!\\s*(?<absent>${key})` +
    `|(?<key>${key})(?:` +
    `\\s*(?<equality>==?|!=)(?:\\s*(?<value>${name}))?` +
    `|\\s+(?<set>in|notin)\\s*\\((?<values>${list})\\)` +
    `|\\s*(?<order>[<>])\\s*(?<bound>-?\\d{1,15})` +
    `)?)\\s*(?<more>,|$)`,
  'y',
);

/**
 * Reads a label selector as Kubernetes does: requirements that all have to hold, equality-based (`=`, `==`, `!=`) or
 * set-based (`in`, `notin`, `key`, `!key`), and `<` and `>` for whole numbers. An absent label is not equal to anything.
 * The empty text selects everything.
 * @throws CloverError CLV_ARGUMENT_INVALID with the place.
 */
export function parseLabelSelector(text: string): LabelSelector {
  if (text.trim() === '') return () => true;
  const requirements: { readonly key: string; readonly holds: Requirement }[] = [];
  let at = 0;
  let more = ',';
  while (more === ',') {
    grammar.lastIndex = at;
    const groups = grammar.exec(text)?.groups;
    if (groups === undefined) throw invalid(text, at);
    requirements.push({
      key: groups['absent'] ?? groups['key'] ?? '',
      holds: requirementOf(groups, text, at),
    });
    at = grammar.lastIndex;
    more = groups['more'] ?? '';
  }
  return (labels) =>
    requirements.every(({ key: label, holds }) =>
      holds(labels !== undefined && Object.hasOwn(labels, label) ? labels[label] : undefined),
    );
}

function requirementOf(
  groups: Readonly<Record<string, string | undefined>>,
  text: string,
  at: number,
): Requirement {
  const { absent, equality, set, values = '', order, bound } = groups;
  if (absent !== undefined) return (found) => found === undefined;
  if (equality !== undefined) {
    const wanted = groups['value'] ?? '';
    return equality === '!=' ? (found) => found !== wanted : (found) => found === wanted;
  }
  if (set !== undefined) {
    if (values.trim() === '') throw invalid(text, at);
    const members = new Set(values.split(',').map((member) => member.trim()));
    const isIn: Requirement = (found) => found !== undefined && members.has(found);
    return set === 'in' ? isIn : (found) => !isIn(found);
  }
  if (order !== undefined) {
    const limit = Number(bound);
    return (found) =>
      found !== undefined &&
      /^-?\d{1,15}$/.test(found) &&
      (order === '>' ? Number(found) > limit : Number(found) < limit);
  }
  return (found) => found !== undefined;
}

function invalid(text: string, at: number): CloverError {
  const rest = text.slice(at, at + 40);
  const message = `at character ${at + 1} found ${JSON.stringify(rest)}; expected key, !key, key=value, key!=value, key in (a, b), key notin (a, b), key>1 or key<1, with commas between`;
  return new CloverError('CLV_ARGUMENT_INVALID', `labelSelector: ${message}`, {
    details: [{ field: 'labelSelector', message }],
  });
}
