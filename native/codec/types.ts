/** Spans as ClickHouse Native column blocks, for the physical span table. */
export interface DecodedSpans {
  /** One Native block; blocks may be concatenated into one insert. */
  readonly block: Buffer;
  readonly spans: number;
}

/** Decodes OTLP into column blocks. */
export interface TraceDecoder {
  /**
   * @param otlp `TracesData` / `ExportTraceServiceRequest` protobuf, not compressed.
   * @throws CloverError CLV_TELEMETRY_MALFORMED with the byte offset and the reason; never a part.
   */
  decodeTraces(otlp: Uint8Array): DecodedSpans;
}
