import type { IncomingHttpHeaders } from 'node:http';
import {
  eventsApiVersion,
  type KubernetesEvent,
  type ObjectReference,
} from '../../../knative/kubernetes-event.ts';
import type { EventRecorder, RecordQuery } from '../../records/event-recorder.ts';
import { isWanted } from '../../records/record-words.ts';
import { chooseMediaType } from '../negotiate.ts';
import { questions, type RecordsQuery } from '../operations/questions.ts';
import { json, type Reply } from '../reply.ts';
import { route, type Route } from '../route.ts';
import { parseFieldSelector } from '../selectors.ts';
import { watchReply, watchTypes, type WatchContext, type WatchSource } from './watch.ts';

/** What the routes of the records need. */
export interface RecordRoutes extends WatchContext {
  readonly records: Pick<EventRecorder, 'list' | 'watch'>;
}

interface RecordsCall {
  readonly query: RecordsQuery;
  readonly headers: IncomingHttpHeaders;
}

/** Records of what happened to objects, of all namespaces or of one: listed, or watched. */
export function recordRoutes(context: RecordRoutes): readonly Route[] {
  const { records } = context;
  const reply = async (
    namespace: string | undefined,
    { query, headers }: RecordsCall,
  ): Promise<Reply> => {
    const wanted = queryOf(namespace, query);
    if (query.watch === true) {
      const mediaType = chooseMediaType(headers.accept, watchTypes);
      return watchReply(sourceOf(wanted, records), { query, mediaType, headers }, context);
    }
    chooseMediaType(headers.accept, ['application/json']);
    const { limit, continue: next } = query;
    const page = {
      ...(limit === undefined ? {} : { limit }),
      ...(next === undefined ? {} : { continue: next }),
    };
    return json(await records.list({ ...wanted, ...page }));
  };
  return [
    route(questions.allRecords, (call) => reply(undefined, call)),
    route(questions.records, (call) => reply(call.params.namespace, call)),
  ];
}

const regarding = ['regarding.kind', 'regarding.name', 'regarding.uid'] as const;

function queryOf(
  namespace: string | undefined,
  { type, reason, fieldSelector }: RecordsQuery,
): RecordQuery {
  // No object has this uid, so nothing is about it.
  const fields = parseFieldSelector(fieldSelector, regarding) ?? { 'regarding.uid': '\u0000' };
  const object: Partial<Pick<ObjectReference, 'kind' | 'name' | 'uid'>> = {
    ...(fields['regarding.kind'] === undefined ? {} : { kind: fields['regarding.kind'] }),
    ...(fields['regarding.name'] === undefined ? {} : { name: fields['regarding.name'] }),
    ...(fields['regarding.uid'] === undefined ? {} : { uid: fields['regarding.uid'] }),
  };
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(Object.keys(object).length === 0 ? {} : { object }),
    ...(type === undefined ? {} : { type }),
    ...(reason === undefined ? {} : { reason }),
  };
}

function sourceOf(
  query: RecordQuery,
  records: RecordRoutes['records'],
): WatchSource<KubernetesEvent> {
  return {
    apiVersion: eventsApiVersion,
    kind: 'Event',
    list: async () => {
      // All of one instant: a watch does not begin with a page.
      const { items, metadata } = await records.list({ ...query, limit: Number.MAX_SAFE_INTEGER });
      return { items, resourceVersion: metadata.resourceVersion };
    },
    watch: (from, signal) => records.watch(from, { signal }),
    told: ({ type, object }) => (isWanted(object, query) ? type : undefined),
  };
}
