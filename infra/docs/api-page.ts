import { z } from 'zod';
import { errorsOf, openApiDocument } from '../../functions/api/openapi.ts';
import type { Operation } from '../../functions/api/operation.ts';
import { operations } from '../../functions/api/operations.ts';
import { longestUrl } from '../../functions/host/listener.ts';
import { streamDefaults } from '../../functions/api/streams.ts';
import { largestPage } from '../../functions/api/operations/parameters.ts';
import { kinds } from '../../knative/resources/kinds.ts';
import { apiVersion } from '../../knative/resources/meta.ts';
import { markdownTable } from './markdown.ts';

const parameter = z.looseObject({
  name: z.string(),
  in: z.string(),
  required: z.boolean().default(false),
  description: z.string().default(''),
});
const described = z.looseObject({ parameters: z.array(parameter) });

/** The kind whose operations stand for those of every kind. */
const model = { kind: 'TrafficPolicy', plural: 'trafficpolicies' };

/** `docs/api.md`. */
export function apiPage(): string {
  const { paths } = openApiDocument({ operations, version: '' });
  const shown = operations.filter(
    ({ tag, id }) =>
      (tag === model.kind || kinds.every(({ kind }) => kind !== tag)) &&
      !operations.some((other) => other.id === `${id}ForAllNamespaces`),
  );
  const tags = Map.groupBy(shown, ({ tag }) => (tag === model.kind ? 'Resources' : tag));
  const sections = [...tags].map(([tag, served]) => {
    const intro = tag === 'Resources' ? `${kindTable()}\n` : '';
    return `## ${tag}\n\n${intro}${served.map((operation) => section(operation, paths)).join('\n')}`;
  });
  return `${head}\n${sections.join('\n')}`;
}

const head = `# The HTTP API

Everything that \`cloverctl\` does goes over this API. It is served by the control plane on loopback; the address and the
token are in \`host.json\` and, for \`cloverctl\`, in its contexts. \`GET /openapi.json\` gives out the same as an OpenAPI
3.1 document, with every schema; this page, that document, the checks of requests and the routes come from one table, and
a test sends every example to a real host and holds the answers to the document.

\`\`\`
curl -H "Authorization: Bearer $CLOVER_TOKEN" "$CLOVER_SERVER/v1/status"
\`\`\`

- **Authentication**: a bearer token on everything but health, else 401.
- **Errors** are \`application/problem+json\` with a stable \`code\` and \`details\` of every bad field, see
  [errors](errors.md); they never hold a stack trace. Unknown, repeated and contradicting query parameters are errors
  too, but \`/health\` and \`/metrics\` take any query. A rule of a [resource](resources.md) that looks at several
  fields is checked once each of them fits by itself.
- **Bodies** are JSON in UTF-8: a \`charset\` other than \`utf-8\` or \`us-ascii\` is 415.
- **ETags**: every JSON answer to a GET has one, but for health; with \`If-None-Match\` an unchanged one is 304 without a
  body. Streams and \`/metrics\` have none.
- **Preconditions** of writes: \`If-Match\` and \`If-None-Match: *\` (412), and as Kubernetes has them a
  \`metadata.resourceVersion\` or \`metadata.uid\` in the document (409).
- **Pages**: \`limit\` up to ${largestPage}, then \`continue\`. A \`continue\` that is too old is 410: list again.
- **Streams**: a watch, the live view and the tail of events. At most ${streamDefaults.streams} are open at a time, else
  503 with \`Retry-After\`. A reader that takes nothing for ${streamDefaults.slowMs / 1_000} s is cut off. Each shows a sign
  of life every 15 s, and ends when the host drains: come back with \`Last-Event-ID\`.
- **Limits**: addresses up to ${longestUrl / 1024} KiB (414), heads up to 16 KiB (431), bodies as said below (413).
- **CORS** is off. \`cors.origins\` in the host's configuration names the exact origins that browsers may call from; there
  is no \`*\`, and never a cookie.
- **Discovery** for Kubernetes' tools is at \`/apis\`.
`;

function kindTable(): string {
  const rows = kinds.map(({ kind, plural, shortNames, writable }) => [
    kind,
    `\`${plural}\``,
    shortNames.map((name) => `\`${name}\``).join(', '),
    writable ? 'users' : 'Clover alone',
  ]);
  return `Of every kind in \`${apiVersion}\`; \`{plural}\` is its name in paths. Kinds that Clover writes alone are only read.

${markdownTable(['kind', 'plural', 'short', 'written by'], rows)}`;
}

function section(
  operation: Operation,
  paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): string {
  const { id, method, path, summary, description, body, answers } = operation;
  const everywhere = id.endsWith('ForAllNamespaces');
  const { parameters } = described.parse(paths[path]?.[method]);
  const rows = parameters
    .filter(({ in: place, description: text }) => place !== 'path' || text !== '')
    .map(({ name, in: place, description: text }) => [`\`${name}\``, place, text]);
  const table = rows.length === 0 ? '' : `\n${markdownTable(['parameter', 'in', 'meaning'], rows)}`;
  const taken =
    body === undefined
      ? ''
      : ` Takes ${body.mediaTypes.map((type) => `\`${type}\``).join(' or ')}, at most ${sizeText(body.bytes)}.`;
  const good = answers.map(({ status, content }) => {
    const types = content.map(({ mediaType }) => `\`${mediaType}\``).join(', ');
    return types === '' ? String(status) : `${status} (${types})`;
  });
  const bad = [...errorsOf(operation).values()].flat();
  const own = bad.filter((code) => operation.errors.includes(code));
  const refusals =
    own.length === 0 ? '' : ` Own errors: ${own.map((code) => `\`${code}\``).join(', ')}.`;
  const text = description === undefined ? '' : `${generic(description)}\n\n`;
  const shownPath = everywhere ? path.replace(/\/(?=\w+$)/, '/[namespaces/{namespace}/]') : path;
  return `### \`${method.toUpperCase()} ${generic(shownPath)}\`

${generic(summary)}.${taken}

${text}Answers ${good.join(', ')}.${refusals}
${table}`;
}

const sizeText = (bytes: number): string =>
  bytes >= 1024 * 1024 ? `${bytes / 1024 / 1024} MiB` : `${bytes / 1024} KiB`;

/** In the words of any kind. */
function generic(text: string): string {
  return text
    .replaceAll(model.plural, '{plural}')
    .replaceAll(`objects of kind ${model.kind}`, 'objects of a kind')
    .replaceAll(model.kind, 'object');
}
