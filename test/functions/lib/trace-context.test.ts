import test from 'ava';
import fc from 'fast-check';
import {
  parseTraceparent,
  parseTracestate,
  traceContextOf,
  traceparentOf,
} from '../../../functions/lib/trace-context.ts';

const [trace, span] = ['12345678901234567890123456789012', '1234567890123456'];
const valid = `00-${trace}-${span}-01`;

/** By the names that the test suite of W3C Trace Context gives them: a field, and whether it is one. */
const parents: Readonly<Record<string, readonly (readonly [string, boolean])[]>> = {
  traceparent_included: [[valid, true]],
  traceparent_duplicated: [[`${valid}, ${valid}`, false]],
  traceparent_version_0x00: [
    [`${valid}.`, false],
    [`${valid}-what-the-future-will-be-like`, false],
  ],
  traceparent_version_0xcc: [
    [`cc-${trace}-${span}-01`, true],
    [`cc-${trace}-${span}-01-what-the-future-will-be-like`, true],
    [`cc-${trace}-${span}-01.what-the-future-will-be-like`, false],
  ],
  traceparent_version_0xff: [[`ff-${trace}-${span}-01`, false]],
  traceparent_version_illegal_characters: [
    [`.0-${trace}-${span}-01`, false],
    [`0.-${trace}-${span}-01`, false],
  ],
  traceparent_version_too_long: [
    [`000-${trace}-${span}-01`, false],
    [`0000-${trace}-${span}-01`, false],
  ],
  traceparent_version_too_short: [[`0-${trace}-${span}-01`, false]],
  traceparent_trace_id_all_zero: [[`00-${'0'.repeat(32)}-${span}-01`, false]],
  traceparent_trace_id_illegal_characters: [
    [`00-.${trace.slice(1)}-${span}-01`, false],
    [`00-${trace.slice(1)}.-${span}-01`, false],
    [`00-${'A'.repeat(32)}-${span}-01`, false],
  ],
  traceparent_trace_id_too_long: [[`00-${trace}3-${span}-01`, false]],
  traceparent_trace_id_too_short: [[`00-${trace.slice(1)}-${span}-01`, false]],
  traceparent_parent_id_all_zero: [[`00-${trace}-${'0'.repeat(16)}-01`, false]],
  traceparent_parent_id_illegal_characters: [
    [`00-${trace}-.${span.slice(1)}-01`, false],
    [`00-${trace}-${span.slice(1)}.-01`, false],
  ],
  traceparent_parent_id_too_long: [[`00-${trace}-${span}7-01`, false]],
  traceparent_parent_id_too_short: [[`00-${trace}-${span.slice(1)}-01`, false]],
  traceparent_trace_flags_illegal_characters: [
    [`00-${trace}-${span}-.0`, false],
    [`00-${trace}-${span}-0.`, false],
  ],
  traceparent_trace_flags_too_long: [[`00-${trace}-${span}-001`, false]],
  traceparent_trace_flags_too_short: [[`00-${trace}-${span}-1`, false]],
};

for (const [name, cases] of Object.entries(parents)) {
  test(`W3C ${name}`, (t) => {
    for (const [text, taken] of cases) {
      t.is(parseTraceparent(text)?.traceId, taken ? trace : undefined, text);
    }
  });
}

const everyKey = 'abcdefghijklmnopqrstuvwxyz0123456789_-*/';
const everyValue = Array.from({ length: 0x7f - 0x20 }, (_, at) => String.fromCodePoint(0x20 + at))
  .filter((character) => character !== ',' && character !== '=')
  .join('');
const numbered = (count: number): string =>
  Array.from({ length: count }, (_, at) => `bar${at}=${at}`).join(',');

/** A field, as Node joins several headers, and what is sent on; undefined where all of it is dropped. */
const states: Readonly<Record<string, readonly (readonly [string, string | undefined])[]>> = {
  tracestate_included_traceparent_included: [['foo=1,bar=2', 'foo=1,bar=2']],
  tracestate_empty_header: [
    ['', undefined],
    ['foo=1, ', 'foo=1'],
    [', foo=1', 'foo=1'],
  ],
  tracestate_multiple_headers_different_keys: [
    ['foo=1,bar=2, rojo=1,congo=2, baz=3', 'foo=1,bar=2,rojo=1,congo=2,baz=3'],
  ],
  tracestate_duplicated_keys: [
    ['foo=1,foo=1', undefined],
    ['foo=1,foo=2', undefined],
  ],
  tracestate_all_allowed_characters: [
    [`${everyKey}=${everyValue}`, `${everyKey}=${everyValue}`],
    [`${everyKey}@a-z0-9_-*/=${everyValue}`, `${everyKey}@a-z0-9_-*/=${everyValue}`],
  ],
  tracestate_ows_handling: [
    ['foo=1 \t , \t bar=2, \t baz=3', 'foo=1,bar=2,baz=3'],
    ['\t foo=1 \t', 'foo=1'],
  ],
  tracestate_key_illegal_characters: [
    ['foo =1', undefined],
    ['FOO=1', undefined],
    ['foo.bar=1', undefined],
  ],
  tracestate_key_illegal_vendor_format: [
    ['foo@=1,bar=2', undefined],
    ['@foo=1,bar=2', undefined],
    ['foo@@bar=1,bar=2', undefined],
    ['foo@bar@baz=1,bar=2', undefined],
  ],
  tracestate_member_count_limit: [
    [numbered(32), numbered(32)],
    [numbered(33), undefined],
  ],
  tracestate_key_length_limit: [
    [`foo=1,${'z'.repeat(256)}=1`, `foo=1,${'z'.repeat(256)}=1`],
    [`foo=1,${'z'.repeat(257)}=1`, undefined],
    [`${'t'.repeat(241)}@${'v'.repeat(14)}=1`, `${'t'.repeat(241)}@${'v'.repeat(14)}=1`],
    [`foo=1,${'t'.repeat(242)}@v=1`, undefined],
    [`foo=1,t@${'v'.repeat(15)}=1`, undefined],
  ],
  tracestate_value_illegal_characters: [
    ['foo=bar=baz', undefined],
    ['foo=,bar=3', undefined],
    ['foo', undefined],
  ],
};

for (const [name, cases] of Object.entries(states)) {
  test(`W3C ${name}`, (t) => {
    for (const [text, left] of cases) t.is(parseTracestate(text), left, text);
  });
}

test('a tracestate of more than 512 characters loses its long members first, then its oldest', (t) => {
  const long = `long=${'x'.repeat(200)}`;
  const short = Array.from({ length: 4 }, (_, at) => `k${at}=${'y'.repeat(97)}`);
  t.is(parseTracestate([long, ...short].join(',')), short.join(','));
  const many = Array.from({ length: 6 }, (_, at) => `k${at}=${'y'.repeat(97)}`);
  t.is(parseTracestate(many.join(',')), many.slice(0, 5).join(','));
  const huge = `a=${'x'.repeat(200)},b=${'x'.repeat(200)},c=${'x'.repeat(200)}`;
  t.is(parseTracestate(huge), undefined, 'nothing is left of long ones only');
  t.is(parseTracestate(','.repeat(1_000_000)), undefined);
});

test('blanks inside of a tracestate are looked at once', (t) => {
  // What looks at them again from each of them would not end before the time limit of this test.
  const state = `a=1${' '.repeat(32_000)}b`;
  for (let round = 0; round < 1_000; round += 1) parseTracestate(state);
  t.is(parseTracestate(state), undefined);
});

test('a bad tracestate leaves the traceparent; without a traceparent there is no tracestate', (t) => {
  t.deepEqual(traceContextOf({ traceparent: valid, tracestate: 'FOO=1' }), { traceparent: valid });
  t.deepEqual(traceContextOf({ traceparent: valid, tracestate: ' a=1 ' }), {
    traceparent: valid,
    tracestate: 'a=1',
  });
  t.is(traceContextOf({ tracestate: 'a=1' }), undefined);
  t.is(traceContextOf({ traceparent: 'nonsense', tracestate: 'a=1' }), undefined);
});

const hex = (length: number) =>
  fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`)).filter((digits) => !/^0+$/.test(digits));

test('what is written is read again, and what is sent on stays as it is', (t) => {
  const context = fc.record({ traceId: hex(32), spanId: hex(16), flags: fc.nat(255) });
  fc.assert(
    fc.property(context, (given) => {
      t.deepEqual(parseTraceparent(traceparentOf(given)), { ...given });
    }),
  );
  const member = fc
    .tuple(
      fc.stringMatching(/^[a-z][a-z0-9_*/-]{0,12}$/),
      fc.stringMatching(/^[!-+\--<>-~]{1,140}$/),
    )
    .map(([key, value]) => `${key}=${value}`);
  const state = fc.oneof(
    fc.array(member, { maxLength: 40 }).map((all) => all.join(' , ')),
    fc.string(),
  );
  fc.assert(
    fc.property(state, (given) => {
      const sent = parseTracestate(given);
      if (sent === undefined) return;
      t.true(sent.length <= 512 && sent.split(',').length <= 32);
      t.is(parseTracestate(sent), sent);
    }),
  );
});
