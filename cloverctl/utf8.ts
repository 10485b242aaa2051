import { isUtf8 } from 'node:buffer';
import { CloverError } from '../functions/lib/errors.ts';

const replacement = '\uFFFD';
const replacementBytes = Buffer.from(replacement);

/**
 * A text in UTF-8, without a byte order mark at its beginning. Nothing of it is replaced.
 * @param name What the text is called in the error, such as its file.
 * @throws CloverError of the code, with the offset of the first byte that is no UTF-8, counted from 0.
 */
export function utf8Text(
  bytes: Uint8Array,
  name: string,
  code: 'CLV_EVENT_INVALID' | 'CLV_RESOURCE_INVALID',
): string {
  if (isUtf8(bytes)) return new TextDecoder().decode(bytes);
  throw new CloverError(
    code,
    `${name} is not UTF-8 from byte ${firstFault(bytes)} on (counted from 0): save it as UTF-8`,
  );
}

/** The first replaced character that does not stand in the bytes itself. */
function firstFault(bytes: Uint8Array): number {
  let offset = 0;
  for (const part of new TextDecoder('utf-8', { ignoreBOM: true })
    .decode(bytes)
    .split(replacement)) {
    offset += Buffer.byteLength(part);
    const found = bytes.subarray(offset, offset + replacementBytes.length);
    if (!replacementBytes.equals(found)) break;
    offset += replacementBytes.length;
  }
  return offset;
}
