import test from 'ava';
import { createBearerCheck } from '../../../functions/host/bearer.ts';

const token = 'a-token-of-some-length';
const isAuthorized = createBearerCheck(token);

test('the token is taken, whatever the case of the scheme and the spaces around it', (t) => {
  for (const header of [`Bearer ${token}`, `bearer ${token}`, `BEARER   ${token}  `]) {
    t.true(isAuthorized(header), header);
  }
});

test('nothing else is', (t) => {
  const others = [
    undefined,
    '',
    token,
    'Bearer',
    'Bearer ',
    `Basic ${token}`,
    `Bearer ${token.slice(1)}`,
    `Bearer ${token.slice(0, -1)}`,
    `Bearer ${token}x`,
    `Bearer ${token}\0`,
    `Bearer x${token}`,
    `Bearer ${token.toUpperCase()}`,
    `Bearer ${token} ${token}`,
    `Bearer ${'\0'.repeat(token.length)}`,
  ];
  for (const header of others) t.false(isAuthorized(header), header);
});

test('no header is the token of an installation that has none', (t) => {
  const empty = createBearerCheck('');
  for (const header of [undefined, '', 'Bearer', 'Bearer ', 'Bearer x']) t.false(empty(header));
});
