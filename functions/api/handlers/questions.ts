import { CloverError } from '../../lib/errors.ts';
import type { AnalyticsStore, TimeWindow } from '../../analytics/store.ts';
import type { EvidenceStore } from '../../evidence/evidence-store.ts';
import type { Clock } from '../../lib/clock.ts';
import { apiVersion } from '../../../knative/resources/meta.ts';
import { label } from '../../resources/stored-resource.ts';
import type { ResourceStore } from '../../resources/store.ts';
import { questions } from '../operations/questions.ts';
import { json, type Reply } from '../reply.ts';
import { route, type Route } from '../route.ts';
import type { Status } from '../schemas/questions.ts';

/** What the routes of the questions need. */
export interface QuestionRoutes {
  readonly resources: Pick<ResourceStore, 'get'>;
  readonly analytics: Pick<AnalyticsStore, 'red' | 'storedArms'>;
  readonly evidence: Pick<EvidenceStore, 'totals' | 'looks'>;
  /** Counters of every part. */
  readonly status: () => Promise<Status>;
  readonly clock: Clock;
  /** Of Clover. */
  readonly version: string;
}

interface WindowQuery {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** Milliseconds. */
  readonly last?: number | undefined;
}

const defaultWindowMs = 5 * 60_000;

/** Questions to analytics and evidence; each answer is `{rows}`, with `{window}` where there is one. */
export function questionRoutes(context: QuestionRoutes): readonly Route[] {
  const { resources, analytics, evidence, status, clock, version } = context;
  const ask = async (
    { from, to = clock.now(), last }: WindowQuery,
    answer: (window: TimeWindow) => Promise<unknown>,
  ): Promise<Reply> => {
    if (from !== undefined && last !== undefined) {
      throw refused('last', 'is given beside from; give one of them');
    }
    const window = { from: from ?? to - (last ?? defaultWindowMs), to };
    if (window.from >= to) {
      throw refused('from', `found ${window.from}; must be before to, ${to}`);
    }
    return json({ window, rows: await answer(window) });
  };

  return [
    route(questions.red, ({ query }) => ask(query, (window) => analytics.red(window, query.by))),
    route(questions.storedArms, ({ query }) =>
      ask(query, (window) => analytics.storedArms(window)),
    ),
    route(questions.totals, ({ query }) => ask(query, (window) => evidence.totals(window))),
    route(questions.looks, async ({ params: { namespace, run } }) => {
      if ((await resources.get('ExperimentRun', namespace, run)) === undefined) {
        const message = `${label('ExperimentRun', namespace, run)} does not exist`;
        throw new CloverError('CLV_NOT_FOUND', message);
      }
      return json({ rows: await evidence.looks(run) });
    }),
    route(questions.version, async () =>
      json({ version, node: process.versions.node, apiVersion }),
    ),
    route(questions.status, async () => json(await status())),
  ];
}

function refused(field: string, message: string): CloverError {
  const details = [{ field, message }];
  return new CloverError('CLV_ARGUMENT_INVALID', `invalid query: ${field}: ${message}`, {
    details,
  });
}
