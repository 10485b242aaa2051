import type { Request, Response } from 'express';

/** A request of Express without the `any` of its defaults. */
export type HttpRequest = Request<
  Request['params'],
  unknown,
  unknown,
  Request['query'],
  Record<string, unknown>
>;

/** A response of Express without the `any` of its defaults. */
export type HttpResponse = Response<unknown, Record<string, unknown>>;
