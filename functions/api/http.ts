import type { ServerResponse } from 'node:http';
import type { Request } from 'router';

/** A request that a route has taken. */
export type ApiRequest = Request<Record<string, string>>;

/** What it is answered with. */
export type ApiResponse = ServerResponse;
