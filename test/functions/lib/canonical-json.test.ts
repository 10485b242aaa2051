import test from 'ava';
import fc from 'fast-check';
import { canonicalJson, sha256 } from '../../../functions/lib/canonical-json.ts';

test('the example of RFC 8785 §3.2.3 is sorted by UTF-16 code units', (t) => {
  const value = {
    '\u20ac': 'Euro Sign',
    '\r': 'Carriage Return',
    '\ufb33': 'Hebrew Letter Dalet With Dagesh',
    '1': 'One',
    '\ud83d\ude00': 'Emoji: Grinning Face',
    '\u0080': 'Control',
    '\u00f6': 'Latin Small Letter O With Diaeresis',
  };
  t.is(
    canonicalJson(value),
    '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis",' +
      '"€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
  );
});

test('keys that look like array indices are sorted as text', (t) => {
  t.is(canonicalJson({ b: 1, 10: 1, 9: 1 }), '{"10":1,"9":1,"b":1}');
});

test('fields that are undefined are left out, and in arrays they are null', (t) => {
  t.is(canonicalJson({ a: undefined, b: [undefined, 1] }), '{"b":[null,1]}');
});

test('the text means the value, and does not depend on the order of keys', (t) => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const text = canonicalJson(value);
      const meant: unknown = JSON.parse(text);
      const reversed = Object.fromEntries(Object.entries(value).toReversed());
      t.is(canonicalJson(reversed), text);
      t.is(canonicalJson(meant), text);
      t.deepEqual(meant, JSON.parse(JSON.stringify(value)));
    }),
  );
});

test('the hash is SHA-256 of the UTF-8 bytes', (t) => {
  // FIPS 180-2, appendix B.1.
  t.is(sha256('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});
