import { z } from 'zod';
import { egressText } from './egress.ts';
import { condition, labelValue, observedGeneration } from './meta-schemas.ts';
import type { Resource } from './meta.ts';
import { mapList, must, rules, setList, type Frozen } from './rule.ts';

/** What a Tap may select by; gRPC is carried by `http2`. */
export const tapProtocols = [
  'dns',
  'http',
  'http2',
  'kafka',
  'mysql',
  'postgresql',
  'redis',
  'sip',
] as const;

/** A protocol that agents read. */
export type TapProtocol = (typeof tapProtocols)[number];

const headerNames = z
  .array(
    z
      .string()
      .max(128)
      // With `*`, which a pattern has.
      .regex(/^[a-z0-9!#$%&'*+.^_`|~-]+$/)
      .meta(must('must be the name of a header in lower case')),
  )
  .min(1)
  .max(32)
  .meta(setList)
  .optional();

/** Schema of `Tap.spec`. */
export const tapSpec = z
  .strictObject({
    selector: z
      .strictObject({
        matchLabels: z
          .record(z.string(), labelValue)
          .default({})
          .meta({ maxProperties: 32 })
          .describe('Labels that a pod has to have, each with this value.'),
      })
      .default({ matchLabels: {} })
      .describe('Which pods of the namespace are traced. Empty: every one.'),
    ports: z
      .array(z.int().min(1).max(65_535))
      .min(1)
      .max(64)
      .meta(setList)
      .optional()
      .describe(
        'Ports of servers to trace, of TCP and UDP alike, and those of `egress`; left out: every port. A node traces the ports of all Taps that select one of its pods, on each of these pods.',
      ),
    egress: z
      .array(egressText)
      .min(1)
      .max(64)
      .meta(setList)
      .optional()
      .describe(
        'Where connections have to go to that the pods open, as `ip:port` or, of pods of this name or with names that begin with it and a hyphen, `ip:port:pod`; a network as `10.0.0.0/8:5432`, IPv6 as `[2001:db8::5]:443`. It is the address that their packets have. Left out: anywhere. Bytes of others are counted as skipped (`not_selected`); what the pods serve is not concerned. Several Taps that select a pod add theirs.',
      ),
    protocols: z
      .array(z.enum(tapProtocols))
      .min(1)
      .max(tapProtocols.length)
      .meta(setList)
      .optional()
      .describe(
        'Protocols that are read, as the first bytes of a connection tell them; left out: every one. `http` is HTTP/1, `http2` has gRPC in it. Bytes of others are counted as skipped (`not_selected`). Several Taps that select a pod add theirs.',
      ),
    headers: z
      .strictObject({
        request: headerNames.describe('Of requests, as `http.request.header.<name>`.'),
        response: headerNames.describe('Of responses, as `http.response.header.<name>`.'),
      })
      .optional()
      .describe(
        'Headers of HTTP that spans keep, and of gRPC as `rpc.request.metadata.<name>` and `rpc.response.metadata.<name>`; left out: none but `x-request-id`. Of `authorization`, `cookie` and others that carry credentials the value is `REDACTED`, and in all of them identifiers of subscribers. Several Taps that select a pod add theirs.',
      ),
    redaction: z
      .strictObject({
        keepQueryValues: z
          .array(z.string().min(1).max(128))
          .min(1)
          .max(32)
          .meta(setList)
          .optional()
          .describe(
            'Parameters of URL queries whose values spans keep, by their names as they are sent.',
          ),
        headers: headerNames.describe(
          'Headers whose value is `REDACTED`, beyond those that carry credentials, whichever Tap keeps them; `*` stands for any characters, as in `x-*-token`.',
        ),
      })
      .optional()
      .describe(
        'What spans may tell that is redacted by default, which is all values of queries, and what they may not. Credentials, literals of statements, keys, and identifiers of subscribers stay on the node whatever this says. Several Taps that select a pod add theirs.',
      ),
    sampling: z
      .strictObject({
        ratio: z
          .number()
          .min(0)
          .max(1)
          .default(1)
          .describe(
            "Share of the traces of which spans are kept, by the trace id alone, as OpenTelemetry's TraceIdRatioBased sampler: all that see a trace agree. Metrics and evidence count every request.",
          ),
        parentBased: z
          .boolean()
          .default(false)
          .describe(
            'Whether a request that says what its caller has decided (the sampled flag of its trace context) follows that.',
          ),
      })
      .optional()
      .describe(
        'Which requests become spans; left out: every one. Of several Taps that select a pod, the one that keeps most counts.',
      ),
    accessLog: z
      .boolean()
      .optional()
      .describe(
        'Whether a record of each request goes to `sinks` as OTLP logs, whatever is sampled: the attributes of its span, its duration, and the ids of trace and span. It needs `sinks`. Left out: no.',
      ),
    tls: z
      .boolean()
      .optional()
      .describe(
        'Whether what the pods encrypt by themselves is read, too: at the functions of their TLS library (OpenSSL, BoringSSL, Go), as far as they can be found. The agents need `agent.tls` of the installation for it. Left out: no, TLS is skipped.',
      ),
    sinks: z
      .array(
        z
          .string()
          .max(63)
          .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
          .meta(must('must be a name as the agent has it')),
      )
      .min(1)
      .max(16)
      .meta(setList)
      .optional()
      .describe(
        "Collectors that the spans are sent to over OTLP, beside Clover, by their names below `sinks` of the agent's configuration. Several Taps that select a pod add theirs.",
      ),
  })
  .meta(
    rules({
      rule: '!has(self.accessLog) || !self.accessLog || has(self.sinks)',
      message: 'needs sinks',
      fieldPath: '.accessLog',
    }),
  )
  .describe('What agents trace.');

/** What agents trace. */
export type TapSpec = z.output<typeof tapSpec>;

/** Schema of `Tap.status`. */
export const tapStatus = z
  .strictObject({
    observedGeneration,
    conditions: z
      .array(condition)
      .meta(mapList('type'))
      .exactOptional()
      .describe(
        'Of type `Traced`: whether agents trace the pods that it selects, and if not, why.',
      ),
    pods: z.int().min(0).exactOptional().describe('Pods that it selects, on nodes with an agent.'),
  })
  .describe('What became of the wish.');

/** The fact about a Tap. */
export type TapStatus = Frozen<z.output<typeof tapStatus>>;

/** Selects the pods of its namespace, and their ports, that agents trace. */
export type Tap = Resource<'Tap', TapSpec, TapStatus>;
