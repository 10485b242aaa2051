import { z } from 'zod';

/** How a Tap names a sink. */
export const sinkName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'must be a DNS label');

/** Headers that go along with what is sent over OTLP. Names are in lower case, as gRPC has its metadata: RFC 9110 §5.6.2, RFC 9113 §8.2.1. */
export const otlpHeaders = z.record(
  z.string().regex(/^[a-z0-9!#$%&'*+.^_`|~-]+$/, 'must be a header name in lower case'),
  z.string().regex(/^[\x20-\x7e]*$/, 'must be printable ASCII'),
);
