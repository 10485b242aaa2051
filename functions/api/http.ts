import type { Request, Response } from 'express';

type Locals = Record<string, unknown>;

/** Express's request, with nothing taken on trust: bodies and queries are unknown. */
export type ApiRequest = Request<Record<string, string>, unknown, unknown, unknown, Locals>;

/** Express's response. */
export type ApiResponse = Response<unknown, Locals>;
