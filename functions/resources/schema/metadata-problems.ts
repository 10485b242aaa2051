import type { ErrorDetail } from '../../lib/errors.ts';
import { fieldPath } from '../../lib/field-path.ts';
import { isRecord } from '../../lib/plain-value.ts';
import { show } from '../../lib/problem-words.ts';

type Texts = Readonly<Record<string, string>>;

const part = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const namePart = new RegExp(`^${part}$`);
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const labelValue = new RegExp(`^(${part})?$`);

/** Together, keys and values of annotations, in bytes. */
const maxAnnotationBytes = 256 * 1024;

/**
 * Labels and annotations that Kubernetes refuses, of metadata that need not fit its schema.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
 */
export function metadataProblems(metadata: unknown): ErrorDetail[] {
  const given = isRecord(metadata) ? metadata : {};
  return problemsOf(textsOf(given['labels']), textsOf(given['annotations']));
}

/** Those entries that are texts: the schema says what is wrong with the others. */
function textsOf(value: unknown): Texts {
  if (!isRecord(value)) return {};
  const entries = Object.entries(value).flatMap(([key, text]): [string, string][] =>
    typeof text === 'string' ? [[key, text]] : [],
  );
  return Object.fromEntries(entries);
}

function problemsOf(labels: Texts, annotations: Texts): ErrorDetail[] {
  const bytes = Object.entries(annotations)
    .flat()
    .reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return [
    ...Object.keys(labels).flatMap((key) => keyProblems(key, key, 'labels')),
    ...Object.entries(labels).flatMap(([key, value]) => valueProblems(key, value)),
    // As in Kubernetes: keys of annotations are told apart by case, and may have any.
    ...Object.keys(annotations).flatMap((key) =>
      keyProblems(key, key.toLowerCase(), 'annotations'),
    ),
    ...(bytes > maxAnnotationBytes
      ? [
          {
            field: 'metadata.annotations',
            message: `found ${bytes} bytes; must be at most ${maxAnnotationBytes} bytes`,
          },
        ]
      : []),
  ];
}

function keyProblems(key: string, text: string, field: 'annotations' | 'labels'): ErrorDetail[] {
  const [name = '', prefix, ...more] = text.split('/').toReversed();
  const fits =
    more.length === 0 &&
    name.length <= 63 &&
    namePart.test(name) &&
    (prefix === undefined || (prefix.length <= 253 && subdomain.test(prefix)));
  if (fits) return [];
  const message = `found the key ${show(key)}; must be a name of at most 63 letters, digits, "-", "_" and ".", with an optional DNS name and "/" before it`;
  return [{ field: fieldPath(['metadata', field, key]), message }];
}

function valueProblems(key: string, value: string): ErrorDetail[] {
  if (value.length <= 63 && labelValue.test(value)) return [];
  const message = `found ${show(value)}; must be at most 63 letters, digits, "-", "_" and ".", with a letter or digit at both ends`;
  return [{ field: fieldPath(['metadata', 'labels', key]), message }];
}
