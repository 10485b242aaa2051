import type { EvidenceReport, Notification } from '../../../knative/events.ts';
import type { AnyResource } from '../../../knative/resources/kinds.ts';

/** An event as it comes over HTTP in binary mode. */
export interface Posted {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

let ids = 0;

function posted(
  type: string,
  source: string,
  data: unknown,
  extensions: Readonly<Record<string, string>> = {},
): Posted {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'ce-specversion': '1.0',
    'ce-id': `${Date.now()}-${(ids += 1)}`,
    'ce-source': source,
    'ce-type': type,
    'ce-time': new Date().toISOString(),
  };
  for (const [name, value] of Object.entries(extensions)) headers[`ce-${name}`] = value;
  return {
    headers,
    body: JSON.stringify(data),
  };
}

/** A change as Knative's ApiServerSource sends it in mode Resource: the whole object. */
export function changed(verb: 'add' | 'update' | 'delete', object: AnyResource): Posted {
  const { apiVersion, kind, metadata } = object;
  const { namespace, name } = metadata;
  const extensions = { kind, name, namespace, apiversion: apiVersion };
  return posted(
    `dev.knative.apiserver.resource.${verb}`,
    'https://10.96.0.1:443',
    object,
    extensions,
  );
}

/** A tick as a PingSource without data sends it. */
export function pinged(schedule: string): Posted {
  const source = `/apis/v1/namespaces/clover-system/pingsources/${schedule}`;
  return posted('dev.knative.sources.ping', source, {});
}

/** A report of an agent. */
export function reported(source: string, report: EvidenceReport): Posted {
  return posted('dev.clover.evidence.reported.v1', source, report);
}

/** A notification, as a Trigger of a webhook sends it. */
export function notified(data: Notification): Posted {
  return posted('dev.clover.notification.raised.v1', '/apis/clover.dev/v1alpha1', data, {
    reason: data.reason,
  });
}

/** Posts an event, as often as it takes while the function says that it could not do it now. */
export async function deliver(url: string, { headers, body }: Posted): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    const answer = await fetch(url, { method: 'POST', headers, body });
    const text = await answer.text();
    if (answer.ok) return answer.status;
    if (answer.status < 500 || tries === 10) throw new Error(`${answer.status} ${text}`);
  }
}
