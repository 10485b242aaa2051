/** What is known of an error code. */
export interface ErrorEntry {
  /** HTTP status. For events it decides the retry, as Knative does. */
  readonly status: number;
  /** In a sentence, in Markdown. */
  readonly meaning: string;
  /** The way out, in a sentence or two, in Markdown. */
  readonly fix: string;
}

/** Every error code, in alphabetical order: the one source of the statuses and of `docs/errors.md`. */
export const errorCatalogue = {
  CLV_ANALYTICS_UNAVAILABLE: {
    status: 503,
    meaning: 'The analytics store (ClickHouse) cannot be reached or does not answer in time.',
    fix: 'Nothing is lost: senders keep their batches. Look at the log of ClickHouse.',
  },
  CLV_ARGUMENT_INVALID: {
    status: 400,
    meaning: "A query parameter, a command's argument or a body cannot be read.",
    fix: 'Correct what `details` names.',
  },
  CLV_BODY_TOO_LARGE: {
    status: 413,
    meaning: 'A body is larger than the path takes.',
    fix: 'Send smaller documents or batches.',
  },
  CLV_CALLER_GONE: {
    status: 408,
    meaning: 'The caller closed the connection before it had its answer; it never sees this one.',
    fix: 'Send it again, and wait longer: the function may have done its work, or a part of it.',
  },
  CLV_CAPTURE_FILE_INVALID: {
    status: 400,
    meaning: 'A capture file is none, or is damaged, or was taken from a link that cannot be read.',
    fix: 'Look at the byte that the message names; take captures with `tcpdump -w`, as pcap or pcapng.',
  },
  CLV_CAPTURE_UNAVAILABLE: {
    status: 503,
    meaning: 'The agent cannot capture on this machine: rights, kernel or build are missing.',
    fix: 'Do what the message names: run as root, on Linux 5.10 or newer, after the set-up.',
  },
  CLV_CONFIG_INVALID: {
    status: 500,
    meaning: 'A process was started with a configuration that it cannot run with.',
    fix: 'Correct the field that the message names, and start again.',
  },
  CLV_CONFLICT: {
    status: 409,
    meaning: 'What was changed is no longer what was read, or did not end as wished.',
    fix: 'Read it again and decide anew.',
  },
  CLV_CONTROL_PLANE_UNREACHABLE: {
    status: 503,
    meaning: 'No control plane answers at the address. Only clients raise it.',
    fix: 'Start one with `cloverctl up`, or name another with `--server`.',
  },
  CLV_DEADLINE_EXCEEDED: {
    status: 504,
    meaning: 'A handler, or a wait, took longer than it may.',
    fix: 'Try again; if it stays, look at the log for what is slow.',
  },
  CLV_EMIT_REFUSED: {
    status: 502,
    meaning: 'What a function emitted was refused for good, by the broker or the sink.',
    fix: 'Correct the function, or the sink that the message names. The event that it was given is tried again.',
  },
  CLV_EVENT_DATA_INVALID: {
    status: 422,
    meaning: 'The data of a CloudEvent does not fit the schema of its type.',
    fix: 'Correct every field that `details` names. The event is in the dead letters if it came through the broker.',
  },
  CLV_EVENT_INVALID: {
    status: 400,
    meaning: 'A CloudEvent breaks the specification, or its type is not taken here.',
    fix: 'Correct the sender. The event is in the dead letters if it came through the broker.',
  },
  CLV_EXPECTATION_FAILED: {
    status: 417,
    meaning: 'A request has the header `Expect` with something else than `100-continue`.',
    fix: 'Leave the header out.',
  },
  CLV_FILTER_INVALID: {
    status: 400,
    meaning:
      "A trigger's filter is not a filter of Knative, or its CESQL expression cannot be parsed.",
    fix: 'Correct the field that the message names; see [filters](filters.md).',
  },
  CLV_FORBIDDEN: {
    status: 403,
    meaning: 'It is known who calls, and they may not do this.',
    fix: 'Have a role given to them that allows what the message names, such as `edit` or `view`; or call as someone else.',
  },
  CLV_GATEWAY_REJECTED: {
    status: 502,
    meaning: 'The gateway refused a rendered configuration; traffic stays as it was.',
    fix: "Read the gateway's reason in the message and in the policy's conditions, and change the policy.",
  },
  CLV_GATEWAY_UNAVAILABLE: {
    status: 503,
    meaning: 'The gateway did not acknowledge a configuration in time.',
    fix: 'Check that Envoy runs; it is tried again by itself.',
  },
  CLV_HANDLER_EVENT_INVALID: {
    status: 502,
    meaning: 'A function replied or emitted something that is no CloudEvent.',
    fix: 'Correct the function as `details` says. The event that it was given is tried again.',
  },
  CLV_HEADERS_TOO_LARGE: {
    status: 431,
    meaning: 'The head of a request is larger than the server takes.',
    fix: 'Send fewer or shorter headers.',
  },
  CLV_HTTP_VERSION_UNSUPPORTED: {
    status: 505,
    meaning: 'A request was sent as text in another version of HTTP than 1.0 or 1.1.',
    fix: 'Send HTTP/1.1; the server speaks no HTTP/2.',
  },
  CLV_INTERNAL: {
    status: 500,
    meaning:
      "Something failed that should not; the log has the cause under the answer's `x-request-id`.",
    fix: 'Report it with that log line.',
  },
  CLV_KUBERNETES_FORBIDDEN: {
    status: 502,
    meaning: 'The Kubernetes API does not let Clover do what it has to.',
    fix: 'Give the service account that the message names the rule that is missing.',
  },
  CLV_KUBERNETES_UNREACHABLE: {
    status: 503,
    meaning: 'The Kubernetes API does not answer.',
    fix: 'Check that it runs, and that network policies let Clover reach it; the call may be made again.',
  },
  CLV_METHOD_NOT_ALLOWED: {
    status: 405,
    meaning: 'The path does not know the method.',
    fix: 'Use a method of the `Allow` header.',
  },
  CLV_NOT_ACCEPTABLE: {
    status: 406,
    meaning: 'The `Accept` header takes none of the media types that the path has.',
    fix: 'Ask for `application/json`, or for one that `details` names.',
  },
  CLV_NOT_FOUND: {
    status: 404,
    meaning: 'The object, the path or the kind does not exist.',
    fix: 'Check the name and the namespace.',
  },
  CLV_OVERLOADED: {
    status: 503,
    meaning: 'A queue is full, or the process is about to end.',
    fix: 'Send it again after `Retry-After`.',
  },
  CLV_POLICY_FOREIGN_OWNER: {
    status: 409,
    meaning: "An object of the mesh that stands in a policy's way was not made by Clover.",
    fix: 'Remove the object that the message names, or take its host or version out of it; Clover never changes what is not its own.',
  },
  CLV_PRECONDITION_FAILED: {
    status: 412,
    meaning: 'The object is not in the state that `If-Match` or `If-None-Match` names.',
    fix: 'Read it again and decide anew.',
  },
  CLV_REQUEST_TIMEOUT: {
    status: 408,
    meaning: 'The request did not come in whole in time.',
    fix: 'Send it again; check the line between.',
  },
  CLV_RESOURCE_GONE: {
    status: 410,
    meaning: 'The changes after this `resourceVersion` are no longer kept.',
    fix: "List again, and watch from the list's version.",
  },
  CLV_RESOURCE_INVALID: {
    status: 422,
    meaning:
      'A document does not fit its schema or contradicts itself, another object, or what users write.',
    fix: 'Correct every field that `details` names.',
  },
  CLV_TELEMETRY_MALFORMED: {
    status: 400,
    meaning: 'A batch of spans is truncated or not OTLP; nothing of it was stored.',
    fix: 'Correct the sender; the same bytes will be refused again.',
  },
  CLV_TOO_MANY_REQUESTS: {
    status: 429,
    meaning: 'A function has as many events in hand as it may.',
    fix: 'Send again after `Retry-After`; the broker and the agent do.',
  },
  CLV_UNAUTHORIZED: {
    status: 401,
    meaning: 'The bearer token is missing or wrong.',
    fix: 'Send the token of the control plane, on Knative one of the cluster: `--token`, `CLOVER_TOKEN` or the context.',
  },
  CLV_UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    meaning: 'A body has a content type or an encoding that the path does not take.',
    fix: 'Send what the message names, such as `application/json`.',
  },
  CLV_URL_TOO_LONG: {
    status: 414,
    meaning: 'The address of a request is longer than 8 KiB.',
    fix: 'Use shorter selectors, and ask for less at once.',
  },
  CLV_WEBHOOK_REFUSED: {
    status: 422,
    meaning: 'A webhook answered a notification with a status that does not get better by itself.',
    fix: 'Correct the `url` or the `secret` in `notifications`, then replay the dead letter.',
  },
  CLV_WEBHOOK_UNAVAILABLE: {
    status: 503,
    meaning: 'A webhook did not answer, or answered that it cannot take the notification now.',
    fix: 'Check the receiver; the notification is tried again by itself, then kept as a dead letter.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
