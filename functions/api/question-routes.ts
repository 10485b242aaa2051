import { Router } from 'express';
import { z } from 'zod';
import type { AnalyticsStore, TimeWindow } from '../analytics/store.ts';
import type { EvidenceStore } from '../evaluate/evidence-store.ts';
import type { Clock } from '../lib/clock.ts';
import { CloverError } from '../lib/errors.ts';
import { label } from '../resources/stored-resource.ts';
import type { ResourceStore } from '../resources/store.ts';
import type { ApiRequest, ApiResponse } from './http.ts';
import { instant, parseQuery } from './query.ts';

/** What the routes of the questions need. */
export interface QuestionRoutes {
  readonly resources: ResourceStore;
  readonly analytics: Pick<AnalyticsStore, 'red' | 'storedArms'>;
  readonly evidence: Pick<EvidenceStore, 'totals' | 'looks'>;
  readonly status: () => Promise<unknown>;
  readonly clock: Clock;
}

const windowQuery = z.strictObject({ from: instant.optional(), to: instant.optional() });
const runParameters = z.object({ namespace: z.string(), run: z.string() });
const noQuery = z.strictObject({});
const defaultWindowMs = 5 * 60_000;

/** Questions to analytics and evidence; each answer is `{rows}`, with `{window}` where there is one. */
export function questionRoutes({
  resources,
  analytics,
  evidence,
  status,
  clock,
}: QuestionRoutes): Router {
  const router = Router();

  const window = (query: unknown): TimeWindow => {
    const { from, to = clock.now() } = parseQuery(windowQuery, query);
    const start = from ?? to - defaultWindowMs;
    if (start < to) return { from: start, to };
    const details = [{ field: 'from', message: `found ${start}; must be before to, ${to}` }];
    throw new CloverError('CLV_ARGUMENT_INVALID', 'invalid query: from must be before to', {
      details,
    });
  };

  async function demandRun(namespace: string, run: string): Promise<void> {
    if ((await resources.get('ExperimentRun', namespace, run)) !== undefined) return;
    const message = `${label('ExperimentRun', namespace, run)} does not exist`;
    throw new CloverError('CLV_NOT_FOUND', message);
  }

  const answers: Readonly<Record<string, (request: ApiRequest) => Promise<unknown>>> = {
    '/v1/questions/red': async ({ query }) => {
      const asked = window(query);
      return { window: asked, rows: await analytics.red(asked) };
    },
    '/v1/stored-arms': async ({ query }) => {
      const asked = window(query);
      return { window: asked, rows: await analytics.storedArms(asked) };
    },
    '/v1/evidence/totals': async ({ query }) => {
      const asked = window(query);
      return { window: asked, rows: await evidence.totals(asked) };
    },
    '/v1/runs/:namespace/:run/looks': async ({ query, params }) => {
      parseQuery(noQuery, query);
      const { namespace, run } = runParameters.parse(params);
      await demandRun(namespace, run);
      return { rows: await evidence.looks(run) };
    },
    '/v1/status': ({ query }) => {
      parseQuery(noQuery, query);
      return status();
    },
  };
  for (const [path, answer] of Object.entries(answers)) {
    router.get(path, (request: ApiRequest, response: ApiResponse) =>
      answer(request).then((body) => response.json(body)),
    );
  }
  return router;
}
