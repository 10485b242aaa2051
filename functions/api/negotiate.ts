import { CloverError } from '../lib/errors.ts';
import { show } from '../lib/problem-words.ts';

interface Range {
  readonly type: string;
  readonly quality: number;
  /** Kubernetes' `as=Table` and the like ask for another shape than the plain one. */
  readonly shaped: boolean;
}

/**
 * The media type to answer with: the best of those that the Accept header takes, the server's first one among equals
 * (RFC 9110 §12.5.1).
 * @throws CloverError CLV_NOT_ACCEPTABLE.
 */
export function chooseMediaType(accept: string | undefined, offered: readonly string[]): string {
  const [first = ''] = offered;
  if (accept === undefined || accept.trim() === '' || offered.length === 0) return first;
  const ranges = accept.split(',').map(parseRange);
  const ranked = offered
    .map((mediaType) => ({ mediaType, quality: qualityOf(mediaType, ranges) }))
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality);
  const [best] = ranked;
  if (best !== undefined) return best.mediaType;
  const message = `found ${show(accept)}; must take one of: ${offered.join(', ')}`;
  throw new CloverError('CLV_NOT_ACCEPTABLE', `accept: ${message}`, {
    details: [{ field: 'accept', message }],
  });
}

function parseRange(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  const value = quality === undefined ? 1 : Number(quality);
  return {
    type,
    quality: Number.isFinite(value) ? Math.min(Math.max(value, 0), 1) : 0,
    shaped: parameters.some((parameter) => parameter.startsWith('as=')),
  };
}

/** That of the most specific range that takes the media type. */
function qualityOf(mediaType: string, ranges: readonly Range[]): number {
  const [family = ''] = mediaType.split('/');
  for (const wanted of [mediaType, `${family}/*`, '*/*']) {
    const fitting = ranges.filter(({ type, shaped }) => type === wanted && !shaped);
    if (fitting.length > 0) return Math.max(...fitting.map(({ quality }) => quality));
  }
  return 0;
}

/** How entity tags are compared. */
export interface TagMatch {
  /** A weak tag of the list counts as well (RFC 9110 §8.8.3.2): for reads, not for writes. */
  readonly weak: boolean;
}

/** Whether an If-Match or If-None-Match header names the tag, or `*`. */
export function namesTag(header: string | undefined, tag: string, { weak }: TagMatch): boolean {
  const listed = (header ?? '').split(',').map((text) => text.trim());
  return listed.some((text) => text === '*' || text === tag || (weak && text === `W/${tag}`));
}
