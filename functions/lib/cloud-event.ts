/** A CloudEvents 1.0 event in memory; extension attributes are strings. */
export interface CloudEvent {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject?: string;
  /** RFC 3339. */
  readonly time?: string;
  readonly datacontenttype?: string;
  readonly dataschema?: string;
  readonly extensions: Readonly<Record<string, string>>;
  /** The body as it came; JSON is not parsed before a handler asks. */
  readonly data: Buffer;
}
