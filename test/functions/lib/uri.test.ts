import test from 'ava';
import { isUri, isUriReference } from '../../../functions/lib/uri.ts';

test('the examples of RFC 3986 are URIs', (t) => {
  for (const uri of [
    'ftp://ftp.is.co.za/rfc/rfc1808.txt',
    'http://www.ietf.org/rfc/rfc2396.txt',
    'ldap://[2001:db8::7]/c=GB?objectClass?one',
    'mailto:John.Doe@example.com',
    'news:comp.infosystems.www.servers.unix',
    'tel:+1-816-555-1212',
    'telnet://192.0.2.16:80/',
    'urn:oasis:names:specification:docbook:dtd:xml:4.1.2',
  ]) {
    t.true(isUri(uri), uri);
  }
});

test('references are relative too, but their first segment has no colon', (t) => {
  for (const text of ['/nodes/a', 'a/b', '//host/x', '?q', '#f', '', './a:b', 'a%20b']) {
    t.true(isUriReference(text), text);
    t.false(isUri(text), text);
  }
  for (const text of ['1:b', 'a b', '%zz', '<x>', 'http://a/\u00e9', '[x']) {
    t.false(isUriReference(text), text);
  }
});
