import type { ObjectReference } from '../../../knative/kubernetes-event.ts';
import type { EventRecorder } from '../../records/event-recorder.ts';
import { questions, type RecordsQuery } from '../operations/questions.ts';
import { json, type Reply } from '../reply.ts';
import { route, type Route } from '../route.ts';
import { parseFieldSelector } from '../selectors.ts';

/** Records of what happened to objects, of all namespaces or of one. */
export function recordRoutes(records: Pick<EventRecorder, 'list'>): readonly Route[] {
  const list = async (namespace: string | undefined, query: RecordsQuery): Promise<Reply> => {
    const { type, reason, limit, continue: next } = query;
    const fields = parseFieldSelector(query.fieldSelector, regarding);
    const object: Partial<Pick<ObjectReference, 'kind' | 'name' | 'uid'>> = {
      ...(fields['regarding.kind'] === undefined ? {} : { kind: fields['regarding.kind'] }),
      ...(fields['regarding.name'] === undefined ? {} : { name: fields['regarding.name'] }),
      ...(fields['regarding.uid'] === undefined ? {} : { uid: fields['regarding.uid'] }),
    };
    return json(
      await records.list({
        ...(namespace === undefined ? {} : { namespace }),
        ...(Object.keys(object).length === 0 ? {} : { object }),
        ...(type === undefined ? {} : { type }),
        ...(reason === undefined ? {} : { reason }),
        ...(limit === undefined ? {} : { limit }),
        ...(next === undefined ? {} : { continue: next }),
      }),
    );
  };
  return [
    route(questions.allRecords, ({ query }) => list(undefined, query)),
    route(questions.records, ({ params, query }) => list(params.namespace, query)),
  ];
}

const regarding = ['regarding.kind', 'regarding.name', 'regarding.uid'] as const;
