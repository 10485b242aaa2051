/** What to do about an alert. */
export interface RunbookEntry {
  /** What it means, what follows from it, and how it is put right; Markdown. */
  readonly text: string;
  /** What to run first. */
  readonly commands: readonly string[];
}

const metrics = 'curl -sH "Authorization: Bearer $CLOVER_TOKEN" $CLOVER_SERVER/metrics';
const ledger = 'curl -s http://127.0.0.1:$AGENT_PORT/ledger';

/** One entry for each rule of infra/prometheus/clover-alerts.yaml, in its order; a test holds the two together. */
export const runbook: Readonly<Record<string, RunbookEntry>> = {
  CloverDown: {
    text: 'The control plane does not answer. Traffic stays as it was last programmed. Look at its log; start it again on the same data: it goes on where it was. A deadline that passed meanwhile acts at its first tick.',
    commands: ['curl -i $CLOVER_SERVER/health/live', 'cloverctl status'],
  },
  CloverRestarts: {
    text: 'It ends and is started again. The last line of level `fatal` in its log says why. A handler that ends the process counts as a failed attempt of its event, which becomes a dead letter in the end.',
    commands: ['cloverctl status', 'cloverctl deadletters list'],
  },
  CloverColdStartSlow: {
    text: 'From the start of the process to ready it took more than two seconds: a slow disk, a CPU limit, or large databases that were not closed in order. Events wait for a cold start, and time out after 30 s.',
    commands: [`${metrics} | grep init_duration`],
  },
  CloverMetricsMissing: {
    text: 'Reading the metric failed, so that its series are missing from scrapes and rules about them are silent. The store behind it (`resources.db`, `evidence.db`, `broker.db`) does not answer: look at the disk.',
    commands: [`${metrics} | grep read_failures`, 'df -h'],
  },
  CloverQueueDeep: {
    text: 'The function of the trigger fails, or takes longer than events come. Other triggers are not held up: each has its own share of the queue.',
    commands: ['cloverctl status', `${metrics} | grep -e queue_depth -e faas_errors`],
  },
  CloverQueueGrows: {
    text: 'More deliveries come than leave, for ten minutes on end. Whether attempts fail (`clover_broker_retries_total` rises) or take long (`clover_faas_invoke_duration_seconds`) decides what to look at: what the function needs, or who sends so much.',
    commands: [`${metrics} | grep -e enqueued -e settled -e retries`],
  },
  CloverQueueFills: {
    text: 'At this pace there is no room for the events of the trigger within an hour. Then an event that it takes is refused for all of its triggers, and senders try again. Put its function right, or take the sender away.',
    commands: [`${metrics} | grep -e queue_depth -e faas_errors`, 'cloverctl status'],
  },
  CloverDeliveriesLate: {
    text: 'A delivery that fails is tried eleven times, then it is a dead letter: after 3 to 9 minutes, that to a webhook after 17 to 20, by how long each attempt takes. One that is older waits behind others, or its function asks for long waits with `Retry-After`; a webhook may for 10 minutes each time.',
    commands: [`${metrics} | grep -e oldest_age -e queue_depth`, 'cloverctl status'],
  },
  CloverBrokerRefuses: {
    text: '`full`: the queue has 50 000 deliveries or 256 MiB. `share`: a trigger that stands still has as much as is free beside it. `disk`: the disk of `broker.db` is full or fails, or the file has its 1 GiB; make room, or drop dead letters. `overload`: too many requests or bodies are in hand at the same time. Senders get 503 with `Retry-After`; agents send the evidence again with its newest values, so that it comes late and not short.',
    commands: [`${metrics} | grep -e broker_refused -e queue_depth`],
  },
  CloverBadEvents: {
    text: '`invalid`: an attribute, the content type or the body is no CloudEvent. `body`: it is larger than 256 KiB. The sender gets the code and the place; such an event is never tried again, and nothing of it is kept.',
    commands: [`${metrics} | grep broker_refused`],
  },
  CloverDeadLetters: {
    text: 'Each has the error of its last attempt. Once the cause is gone, replay them: delivery begins anew, for their own trigger. Drop what is of no use. The oldest make room when there are 10 000, which is CloverEventsDropped with `evicted`.',
    commands: [
      'cloverctl deadletters list',
      'cloverctl deadletters show ID',
      'cloverctl deadletters replay ID',
      'cloverctl deadletters drop ID',
    ],
  },
  CloverDeadLettersOnKnative: {
    text: 'The same on Knative, where `ingest` counts what it keeps, and a Prometheus that takes OTLP has the count. `reason` is the last answer of the function: 4xx is an event that it refuses, 500 is also no answer at all. They are kept for 30 days; the silence an hour later does not mean that they are gone.',
    commands: ['cloverctl deadletters list', 'cloverctl deadletters replay ID'],
  },
  CloverDeadLettersLost: {
    text: '`body`: the event is larger than 2 MiB, which no event of Clover is; a trigger that others added to the broker needs a `deadLetterSink` of its own. `invalid`: it is no CloudEvent, so that no broker sent it. The log of `ingest` names each, with its type, source and id.',
    commands: [
      "kubectl -n clover-system logs -l serving.knative.dev/service=ingest -c user-container | grep 'refused, and lost'",
    ],
  },
  CloverEventsDropped: {
    text: '`ttl`: replies go round in a circle. `evicted`: there were more dead letters than are kept. `gone`: a schedule was taken out of the catalogue while a tick waited.',
    commands: ['cloverctl status', 'cloverctl deadletters list'],
  },
  CloverFunctionFails: {
    text: '`error_type` is a code of [errors.md](errors.md), which says what to do. The log has each failure with its event and `trace_id`.',
    commands: [`${metrics} | grep faas_errors`, 'cloverctl deadletters list'],
  },
  CloverFunctionBusy: {
    text: 'The function has as many direct events in hand as it may have (`CLV_TOO_MANY_REQUESTS`), or there is no memory for more bodies (`CLV_OVERLOADED`). Callers are told when to try again. If `ingest` is meant, ClickHouse is slow.',
    commands: [`${metrics} | grep -e function_rejected -e invoke_duration`],
  },
  CloverConnectionsRefused: {
    text: 'There are 4 096 connections already. Somebody opens them and does not close them, or watches with many readers.',
    commands: ["ss -tn state established '( sport = :7700 )' | awk '{print $4}' | sort | uniq -c"],
  },
  CloverNotificationsFail: {
    text: 'The receiver of the webhook does not answer, or refuses. Notifications are tried again, then kept as dead letters of the trigger with the name of the webhook; `CLV_WEBHOOK_REFUSED` means a wrong `url` or `secret`.',
    commands: [
      `${metrics} | grep notify_deliveries`,
      'cloverctl deadletters list',
      'cloverctl deadletters replay --all --trigger webhook-NAME',
    ],
  },
  CloverAgentLost: {
    text: 'The agent of the node is down, cannot reach the control plane, or the node is gone; one that rests (`resting 1`) is none of them. Its requests are missing: a run that needs them ends INCONCLUSIVE at its deadline. An agent that was silent for an hour is not shown any more, and the alert ends with it.',
    commands: ['cloverctl status | grep agent/', ledger],
  },
  CloverAgentLoses: {
    text: '`wire.*`: the kernel gave more than the agent could read; `bytes.*` and `requests.*`: what it could not put together; `sockets.*`: sockets of which bytes were not seen, and [why](tracing.md#checked-against-the-kernels-own-count); `spans.*` and `inherited.*`: spans that found no room in the spool while ingest did not take them. Missing requests widen the intervals of a verdict; lost spans do not touch it. Requests that were open when their pod went (`requests.detached`) are no alarm.',
    commands: ['cloverctl status | grep lost', ledger],
  },
  CloverEvidenceLags: {
    text: 'The agent reports, but has requests that began long ago and are neither answered nor given up, or its reports come out of order. Nothing newer is judged until it has caught up.',
    commands: ['cloverctl status | grep -e watermark -e missedReports', ledger],
  },
  CloverIngestRefuses: {
    text: '`unavailable`: ClickHouse is down or slow. `overloaded`: it takes less than agents send. `malformed`: a sender is broken; its batches are not tried again.',
    commands: ['cloverctl status | grep ingest', `${metrics} | grep clover_ingest`],
  },
  CloverNoEvidence: {
    text: "Look whether the agents run, whether a Tap selects the gateway's pod, and whether there is traffic at all. To be safe, delete the experiment: its traffic goes back to the control version.",
    commands: ['cloverctl status | grep -e agent/ -e evaluate', 'cloverctl get taps -A', ledger],
  },
  CloverJudgingStalls: {
    text: 'There is no newly judged second: no traffic reaches the two versions, an agent holds the watermark (CloverEvidenceLags), or events of evidence are not delivered.',
    commands: [
      'cloverctl get experiments -A',
      'cloverctl looks RUN',
      'cloverctl status | grep -e agent/ -e broker -e evaluate',
    ],
  },
  CloverDeadlineNear: {
    text: 'There are too few requests for a verdict, or the versions are too alike for the margin. At the deadline the run is INCONCLUSIVE and traffic goes back.',
    commands: ['cloverctl describe experiment NAME', 'cloverctl red --last 1m'],
  },
  CloverVerdictOverdue: {
    text: 'The deadline has passed and the run has not ended: ticks do not come, or `evaluate` fails. Deleting the experiment takes the traffic back.',
    commands: [
      'cloverctl status | grep -e evaluate -e broker',
      'cloverctl describe experiment NAME',
    ],
  },
};

/** The part of docs/telemetry.md about alerts. */
export function runbookText(): string {
  const sections = Object.entries(runbook).map(
    ([alert, { text, commands }]) =>
      `### ${alert}\n\n${text}\n\n\`\`\`sh\n${commands.join('\n')}\n\`\`\`\n`,
  );
  return sections.join('\n');
}
