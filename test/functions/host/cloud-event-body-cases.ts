import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { base, required, type EventCase, type Refused } from './cloud-event-cases.ts';
import type { Field } from './raw-request.ts';

const event = '{"specversion":"1.0","id":"1","source":"/s","type":"direct"}';

const mode = (name: string, clause: string, type: string): EventCase => ({
  name,
  clause,
  fields: [['content-type', type]],
  body: event,
  taken: required,
});

const unsupported = (field: string, says: RegExp): Refused => ({
  status: 415,
  code: 'CLV_UNSUPPORTED_MEDIA_TYPE',
  fields: [field],
  says,
});

const other = (name: string, clause: string, type: string, says: RegExp): EventCase => ({
  name,
  clause,
  fields: [['content-type', type]],
  body: event,
  refused: unsupported('content-type', says),
});

/** The mode by the content type. */
export const modeCases: readonly EventCase[] = [
  mode('structured mode', 'HTTP §3.2', 'application/cloudevents+json'),
  mode('with a charset', 'HTTP §3.2', 'application/cloudevents+json; charset=utf-8'),
  mode(
    'with a charset in quotes and capitals',
    'RFC 9110 §8.3.1',
    'application/cloudevents+json;CharSet="UTF-8"',
  ),
  mode(
    'with a parameter that nobody knows',
    'RFC 9110 §8.3.1',
    'application/cloudevents+json; a=b; c="d;e"',
  ),
  mode(
    'with blanks and an empty parameter',
    'RFC 9110 §5.6.6',
    'application/cloudevents+json \t; ; charset=utf-8 ;',
  ),
  mode('in capitals', 'HTTP §3', 'Application/CloudEvents+JSON'),
  other(
    'another charset',
    'RFC 8259 §8.1',
    'application/cloudevents+json; charset=iso-8859-1',
    /UTF-8/,
  ),
  other(
    'another format',
    'HTTP §3.2',
    'application/cloudevents+avro',
    /binary mode.*application\/cloudevents\+json/,
  ),
  other('no format', 'HTTP §3.2', 'application/cloudevents', /application\/cloudevents\+json/),
  other(
    'another format of batches',
    'HTTP §3.3',
    'application/cloudevents-batch+xml',
    /application\/cloudevents-batch\+json/,
  ),
  other(
    'a format with a tail',
    'HTTP §3.2',
    'application/cloudevents+jsonx',
    /application\/cloudevents\+json/,
  ),
  other(
    'parameters that are none',
    'RFC 9110 §5.6.6',
    'application/cloudevents+json; charset',
    /application\/cloudevents\+json/,
  ),
  {
    name: 'JSON that is no event is binary mode without attributes',
    clause: 'HTTP §3',
    fields: [['content-type', 'application/json']],
    body: event,
    refused: {
      status: 400,
      code: 'CLV_EVENT_INVALID',
      fields: ['specversion', 'id', 'source', 'type'],
      says: /is required/,
    },
  },
];

const text: readonly Field[] = [...base, ['content-type', 'text/plain']];
const plain = { ...required, datacontenttype: 'text/plain' };
const damaged: Refused = {
  status: 400,
  code: 'CLV_ARGUMENT_INVALID',
  fields: ['body'],
  says: /not whole \w+ data/,
};
const tooLarge: Refused = {
  status: 413,
  code: 'CLV_BODY_TOO_LARGE',
  fields: ['body'],
  says: /larger than 262144 bytes/,
};
const packers = {
  br: brotliCompressSync,
  deflate: deflateSync,
  gzip: gzipSync,
  zstd: zstdCompressSync,
};
const hello = Buffer.from('hello '.repeat(100));
const bomb = Buffer.alloc(16 * 1024 * 1024);

/** Bodies that are compressed. */
export const encodingCases: readonly EventCase[] = [
  ...Object.entries(packers).flatMap(([encoding, pack]): EventCase[] => {
    const fields: readonly Field[] = [...text, ['content-encoding', encoding]];
    const packed = pack(hello);
    return [
      {
        name: encoding,
        clause: 'RFC 9110 §8.4',
        fields,
        body: packed,
        taken: { ...plain, data: hello },
      },
      {
        name: `${encoding} cut off`,
        clause: 'RFC 9110 §8.4',
        fields,
        body: packed.subarray(0, -4),
        refused: damaged,
      },
      {
        name: `${encoding} with something behind it`,
        clause: 'RFC 9110 §8.4',
        fields,
        body: Buffer.concat([packed, Buffer.from('more')]),
        refused: damaged,
      },
      {
        name: `${encoding} that is none`,
        clause: 'RFC 9110 §8.4',
        fields,
        body: 'not compressed',
        refused: damaged,
      },
      {
        name: `${encoding} of 16 MiB of nothing`,
        clause: 'RFC 9110 §15.5.14',
        path: '/broker',
        fields,
        body: pack(bomb),
        refused: tooLarge,
      },
    ];
  }),
  {
    name: 'an encoding in capitals',
    clause: 'RFC 9110 §8.4.1',
    fields: [...text, ['Content-Encoding', 'GZIP']],
    body: gzipSync(hello),
    taken: { ...plain, data: hello },
  },
  {
    name: 'identity',
    clause: 'RFC 9110 §8.4.1',
    fields: [...text, ['content-encoding', 'identity']],
    body: hello,
    taken: { ...plain, data: hello },
  },
  {
    name: 'an encoding that nobody knows',
    clause: 'RFC 9110 §15.5.16',
    fields: [...text, ['content-encoding', 'snappy']],
    body: hello,
    refused: unsupported(
      'content-encoding',
      /"snappy" is not known: use identity, br, deflate, gzip/,
    ),
  },
  {
    name: 'two encodings',
    clause: 'RFC 9110 §8.4',
    fields: [...text, ['content-encoding', 'gzip, br']],
    body: hello,
    refused: unsupported('content-encoding', /"gzip, br" is not known/),
  },
  ...['constructor', '__proto__', 'hasOwnProperty'].map((encoding): EventCase => ({
    name: `an encoding with a name that objects have: ${encoding}`,
    clause: 'RFC 9110 §15.5.16',
    fields: [...text, ['content-encoding', encoding]],
    body: hello,
    refused: unsupported('content-encoding', /is not known/),
  })),
  {
    name: 'more than the path takes',
    clause: 'RFC 9110 §15.5.14',
    path: '/broker',
    fields: text,
    body: Buffer.alloc(256 * 1024 + 1),
    refused: tooLarge,
  },
];

const broken = (says: RegExp): Refused => ({
  status: 400,
  code: 'CLV_ARGUMENT_INVALID',
  fields: [],
  says,
});

/** Lengths that are not those of the body. */
export const lengthCases: readonly EventCase[] = [
  {
    name: 'a length that promises more',
    ending: 'ends',
    clause: 'RFC 9112 §8',
    fields: [...text, ['content-length', '9']],
    body: 'hello',
    refused: broken(/ended before it was whole/),
  },
  {
    name: 'a length in words',
    ending: 'ends',
    clause: 'RFC 9112 §6.3',
    fields: [...text, ['content-length', 'five']],
    body: 'hello',
    refused: broken(/not an HTTP\/1\.1 request/),
  },
  {
    name: 'two lengths',
    ending: 'ends',
    clause: 'RFC 9112 §6.3',
    fields: [...text, ['content-length', '5'], ['content-length', '6']],
    body: 'hello',
    refused: broken(/not an HTTP\/1\.1 request/),
  },
  {
    name: 'a length and chunks',
    ending: 'ends',
    clause: 'RFC 9112 §6.1',
    fields: [...text, ['content-length', '5'], ['transfer-encoding', 'chunked']],
    body: '5\r\nhello\r\n0\r\n\r\n',
    refused: broken(/not an HTTP\/1\.1 request/),
  },
  {
    name: 'chunks',
    clause: 'RFC 9112 §7.1',
    fields: [...text, ['transfer-encoding', 'chunked']],
    body: '2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\nx: y\r\n\r\n',
    taken: { ...plain, data: 'hello' },
  },
  {
    name: 'a chunk with a size that is none',
    ending: 'ends',
    clause: 'RFC 9112 §7.1',
    fields: [...text, ['transfer-encoding', 'chunked']],
    body: 'x\r\nhello\r\n0\r\n\r\n',
    refused: broken(/not an HTTP\/1\.1 request/),
  },
  {
    name: 'chunks without an end',
    ending: 'ends',
    clause: 'RFC 9112 §8',
    fields: [...text, ['transfer-encoding', 'chunked']],
    body: '5\r\nhello\r\n',
    refused: broken(/ended before it was whole/),
  },
  {
    name: 'a length above the limit, and nothing that comes',
    clause: 'RFC 9110 §15.5.14',
    path: '/broker',
    fields: [...text, ['content-length', '99999999']],
    body: '',
    refused: tooLarge,
  },
];
