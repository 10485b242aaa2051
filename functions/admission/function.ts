import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CloverFunction } from '../host/function.ts';
import { readBody } from '../host/read-body.ts';
import { sendWhole } from '../host/send-whole.ts';
import { CloverError } from '../lib/errors.ts';
import { review } from './review.ts';

/** Where an API server asks. */
const reviewPath = '/validate';

/** A review has the object twice, new and old, each at most 3 MiB: an API server's own limit. */
const mostBytes = 8 * 1024 * 1024;

/** The validating webhook of an API server: `POST /validate` with an AdmissionReview. Pure: it asks nobody. */
export function createAdmission(): CloverFunction {
  const counts = { allowed: 0, refused: 0, warned: 0 };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [path = ''] = (request.url ?? '').split('?');
    if (path !== reviewPath) {
      throw new CloverError('CLV_NOT_FOUND', `an API server asks at ${reviewPath}`);
    }
    if (request.method !== 'POST') {
      response.setHeader('allow', 'POST');
      throw new CloverError('CLV_METHOD_NOT_ALLOWED', `${reviewPath} takes POST`);
    }
    const said = review(parse(await readBody(request, { bytes: mostBytes })));
    const { allowed, warnings = [] } = said.response;
    counts[allowed ? 'allowed' : 'refused'] += 1;
    counts.warned += warnings.length;
    sendWhole(response, 200, { 'content-type': 'application/json' }, JSON.stringify(said));
  };

  return {
    name: 'admission',
    routes: async () => (request, response, fail) => {
      answer(request, response).catch(fail);
    },
    counters: () => ({ ...counts }),
  };
}

function parse(body: Buffer): unknown {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return value;
  } catch (cause) {
    throw new CloverError('CLV_ARGUMENT_INVALID', 'the body is no JSON', { cause });
  }
}
