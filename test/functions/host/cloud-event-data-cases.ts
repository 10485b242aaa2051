import type { EventCase } from './cloud-event-cases.ts';
import { json, refused, taken } from './cloud-event-json-cases.ts';

const base64 = (bytes: Buffer): string => `"data_base64":"${bytes.toString('base64')}"`;
const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const big = '{ "n": 12345678901234567890, "f": 1.0,\n "e": 1E400, "z": -0.0, "u": "\\u00e9é" }';

/** Data in structured mode. */
export const dataCases: readonly EventCase[] = [
  taken('an object', 'JSON §3.1', '"data":{"a":1}', { datacontenttype: json, data: '{"a":1}' }),
  taken('a text is JSON as well', 'JSON §3.1', '"data":"a"', {
    datacontenttype: json,
    data: '"a"',
  }),
  taken('null is data', 'JSON §3.1', '"data":null', { datacontenttype: json, data: 'null' }),
  taken('numbers stay what they are', 'RFC 8259 §6', `"data": ${big} `, {
    datacontenttype: json,
    data: big,
  }),
  taken('names twice inside of data', 'JSON §3.1', '"data":{"a":1,"a":2}', {
    datacontenttype: json,
    data: '{"a":1,"a":2}',
  }),
  taken('a text of its own type', 'JSON §3.1', '"datacontenttype":"text/plain","data":"é"', {
    datacontenttype: 'text/plain',
    data: 'é',
  }),
  taken('a type that ends in +json', 'JSON §3.1', '"datacontenttype":"a/b+json","data":{"a":1}', {
    datacontenttype: 'a/b+json',
    data: '{"a":1}',
  }),
  taken(
    'a type in capitals',
    'RFC 9110 §8.3.1',
    '"datacontenttype":"Application/JSON;a=b","data":"x"',
    { datacontenttype: 'Application/JSON;a=b', data: '"x"' },
  ),
  taken('no content type is JSON', 'JSON §3.1', '"datacontenttype":null,"data":[]', {
    datacontenttype: json,
    data: '[]',
  }),
  taken('bytes', 'JSON §3.1.1', `${base64(everyByte)},"datacontenttype":"a/b"`, {
    datacontenttype: 'a/b',
    data: everyByte,
  }),
  taken('bytes without a type', 'JSON §3.1.1', base64(everyByte), { data: everyByte }),
  taken(
    'bytes of JSON',
    'JSON §3.1.1',
    `${base64(Buffer.from('{"a":'))},"datacontenttype":"${json}"`,
    { datacontenttype: json, data: '{"a":' },
  ),
  taken('no bytes', 'JSON §3.1.1', '"data_base64":""', { data: '' }),
  taken('bytes that are null', 'JSON §2.2', '"data_base64":null,"data":1', {
    datacontenttype: json,
    data: '1',
  }),
  taken('an escaped slash in base64', 'RFC 8259 §7', String.raw`"data_base64":"\/\/79"`, {
    data: Buffer.of(0xff, 0xfe, 0xfd),
  }),
  refused(
    'data and bytes',
    'JSON §3.1.1',
    '"data":"a","data_base64":"YQ=="',
    'data_base64',
    /together with data/,
  ),
  refused('bytes that are a number', 'JSON §3.1.1', '"data_base64":5', 'data_base64', /RFC 4648/),
  refused(
    'base64 without its end',
    'RFC 4648 §3.2',
    '"data_base64":"YQ"',
    'data_base64',
    /RFC 4648/,
  ),
  refused(
    'base64 with a line break',
    'RFC 4648 §3.3',
    String.raw`"data_base64":"YQ=\n="`,
    'data_base64',
    /RFC 4648/,
  ),
  refused('base64 for URLs', 'RFC 4648 §5', '"data_base64":"_-79"', 'data_base64', /RFC 4648/),
  refused(
    'base64 with bits left over',
    'RFC 4648 §3.5',
    '"data_base64":"YR=="',
    'data_base64',
    /RFC 4648/,
  ),
  refused(
    'an object where text belongs',
    'JSON §3.1',
    '"datacontenttype":"text/plain","data":{}',
    'data',
    /must be a string/,
  ),
  refused(
    'a text of another charset',
    'JSON §3.1',
    '"datacontenttype":"text/plain;charset=latin1","data":"é"',
    'data',
    /data_base64/,
  ),
  refused(
    'a text with half of a pair',
    'JSON §3.1',
    String.raw`"datacontenttype":"text/plain","data":"\udc00"`,
    'data',
    /lone surrogates/,
  ),
];
