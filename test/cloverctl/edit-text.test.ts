import test from 'ava';
import fc from 'fast-check';
import { bodyOfEdit, textToEdit } from '../../cloverctl/edit-text.ts';

const body = 'kind: Tap\n# a comment of its own\nspec: {}\n';

test('the object is what is left of the text, whatever the reasons hold', (t) => {
  const words = fc.string({
    unit: fc.constantFrom('a', ' ', '\n', '\r', '#', ':', '\u2028', '\u0085'),
  });
  fc.assert(
    fc.property(words, words, words, (message, field, detail) => {
      const details = [{ field, message: detail }];
      const text = textToEdit(body, { code: 'CLV_RESOURCE_INVALID', message, details });
      t.is(bodyOfEdit(text), body);
    }),
  );
  t.is(bodyOfEdit(textToEdit(body)), body);
  t.is(bodyOfEdit(textToEdit('')), '');
});

test('comments at the top go, with any end of line, and others stay', (t) => {
  t.is(bodyOfEdit('# one\r\n#\r\nkind: Tap\r\n# two\r\n'), 'kind: Tap\r\n# two\r\n');
  t.is(bodyOfEdit('# only'), '');
});
