import test from 'ava';
import {
  bitString,
  explicit,
  implicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
  utf8String,
  yes,
} from '../../../functions/admission/der.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const text = (at: string): string => time(Date.parse(at)).toString('latin1').slice(2);
const bytes = (...values: readonly number[]): Buffer => Buffer.from(values);

test('lengths are short below 128, and then as many bytes as they need', (t) => {
  const head = (length: number): string => hex(octetString(Buffer.alloc(length)).subarray(0, 4));
  t.is(hex(octetString(bytes())), '0400');
  t.true(head(127).startsWith('047f'));
  t.true(head(128).startsWith('048180'));
  t.true(head(255).startsWith('0481ff'));
  t.is(head(256), '04820100');
  t.is(head(65_535), '0482ffff');
});

test('numbers have no zeros in front but the one that keeps them positive', (t) => {
  t.is(hex(integer(bytes())), '020100');
  t.is(hex(integer(bytes(0, 0, 0))), '020100');
  t.is(hex(integer(bytes(0, 127))), '02017f');
  t.is(hex(integer(bytes(128))), '02020080');
  t.is(hex(integer(bytes(1, 0))), '02020100');
});

test('identifiers are as X.690 §8.19 has them', (t) => {
  t.is(hex(objectIdentifier('1.2.840.113549')), '06062a864886f70d');
  t.is(hex(objectIdentifier('2.5.4.3')), '0603550403');
  t.is(hex(objectIdentifier('2.100.3')), '0603813403');
});

test('times are of two digits up to 2049, and of four from then on: RFC 5280 §4.1.2.5', (t) => {
  t.is(text('2026-05-01T02:03:04.999Z'), '260501020304Z');
  t.is(text('2049-12-31T23:59:59Z'), '491231235959Z');
  t.is(text('2050-01-01T00:00:00Z'), '20500101000000Z');
  t.is(time(Date.parse('2049-12-31T23:59:59Z'))[0], 0x17);
  t.is(time(Date.parse('2050-01-01T00:00:00Z'))[0], 0x18);
});

test('what holds others has their bytes, under its own tag or that of its context', (t) => {
  const both = [utf8String('é'), yes()];
  t.is(hex(sequence(...both)), '30070c02c3a90101ff');
  t.is(hex(sequence()), '3000');
  t.is(hex(setOf(yes())), '31030101ff');
  t.is(hex(bitString(bytes(0b1010_0000), 5)), '030205a0');
  t.is(hex(explicit(3, yes())), 'a3030101ff');
  t.is(hex(implicit(2, bytes(1, 2))), '82020102');
});
