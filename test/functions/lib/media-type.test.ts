import test from 'ava';
import { isJsonType, parseMediaType } from '../../../functions/lib/media-type.ts';

test('a media type is taken apart', (t) => {
  const parsed = parseMediaType('Application/JSON; Charset="utf-8";q=1 ;');
  t.is(parsed?.essence, 'application/json');
  t.deepEqual(Object.fromEntries(parsed?.parameters ?? []), { charset: 'utf-8', q: '1' });
  t.is(parseMediaType('a/b; x="a\\"b"')?.parameters.get('x'), 'a"b');
  for (const bad of ['', 'text', 'text/', 'a/b; x', 'a/b; x="', 'a b/c']) {
    t.is(parseMediaType(bad), undefined, bad);
  }
});

test('JSON is told by the subtype or its suffix', (t) => {
  for (const type of ['application/json', 'text/json; charset=utf-8', 'application/x+JSON']) {
    t.true(isJsonType(type), type);
  }
  for (const type of ['application/jsonp', 'text/plain; x=+json', 'json']) {
    t.false(isJsonType(type), type);
  }
});
