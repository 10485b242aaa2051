import test from 'ava';
import fc from 'fast-check';
import { utf8Text } from '../../cloverctl/utf8.ts';

const read = (bytes: Uint8Array): string => utf8Text(bytes, 'a.yaml', 'CLV_RESOURCE_INVALID');

test('a text comes back as it was, replacement characters with it', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const wellFormed = `a${text.toWellFormed()}\uFFFD`;
      t.is(read(Buffer.from(wellFormed)), wellFormed);
    }),
  );
});

test('the first byte that is no UTF-8 is named, whatever stands before and behind it', (t) => {
  const fault = fc.constantFrom(
    [0xff],
    [0xc3],
    [0xef, 0xbf],
    [0xed, 0xa0, 0x80],
    [0xf0, 0x9f, 0x98],
  );
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fault, (text, wrong) => {
      const before = Buffer.from(`${text}\uFFFD`);
      const bytes = Buffer.concat([before, Buffer.from(wrong), Buffer.from('a\uFFFD')]);
      t.throws(() => read(bytes), {
        message: `a.yaml is not UTF-8 from byte ${before.length} on (counted from 0): save it as UTF-8`,
      });
    }),
  );
});
