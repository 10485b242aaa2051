import { createRequire } from 'node:module';

/** Result of a good decode. */
export interface RawDecoded {
  readonly block: Buffer;
  readonly spans: number;
}

/** Where and why the input is not OTLP. */
export interface RawMalformed {
  readonly offset: number;
  readonly reason: string;
}

/** The addon as it is; names 1:1. */
export interface CodecBinding {
  decode_traces(otlp: Uint8Array): RawDecoded | RawMalformed;
}

/** Loads the addon that `node-gyp rebuild` made in this folder. */
export function loadBinding(): CodecBinding {
  const load: (path: string) => unknown = createRequire(import.meta.url);
  const binding = load('./build/Release/clover_codec.node');
  if (!isBinding(binding)) throw new TypeError('clover_codec.node lacks decode_traces');
  return binding;
}

function isBinding(value: unknown): value is CodecBinding {
  return (
    typeof value === 'object' &&
    value !== null &&
    'decode_traces' in value &&
    typeof value.decode_traces === 'function'
  );
}
