import { z } from 'zod';
import { fault } from './fault.ts';
import {
  condition,
  dnsLabel,
  labelValue,
  observedGeneration,
  positiveDuration,
} from './meta-schemas.ts';
import type { Resource } from './meta.ts';
import { knownVersions, uniqueNames } from './policy-rules.ts';
import { mapList, must, rules, type Frozen } from './rule.ts';

const pattern = z.string().min(1).max(1024);

const textMatch = z
  .strictObject({
    exact: pattern.optional().describe('The whole text.'),
    prefix: pattern.optional().describe('The beginning of the text.'),
    regex: pattern.optional().describe('An RE2 expression that the whole text fits.'),
  })
  .meta(
    rules({
      rule: '[has(self.exact), has(self.prefix), has(self.regex)].exists_one(given, given)',
      message: 'needs exactly one of exact, prefix, regex',
    }),
  );

/** One way to match text: the whole of it, its beginning, or an RE2 expression over all of it. */
export type TextMatch = z.output<typeof textMatch>;

const mustBeFieldName = 'must be a lower-case HTTP field name';

const headerMatch = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9!#$%&'*+.^_`|~-]+$/, mustBeFieldName)
    .max(256)
    .meta(must(mustBeFieldName))
    .describe('Name of the header, in lower case.'),
  value: textMatch.describe('What its value has to be.'),
});

const requestMatch = z
  .strictObject({
    path: textMatch.optional().describe('What the path has to be, without the query.'),
    method: z
      .enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
      .optional()
      .describe('The HTTP method.'),
    headers: z.array(headerMatch).min(1).max(16).optional().describe('Headers: all are needed.'),
  })
  .meta(
    rules({
      rule: 'has(self.path) || has(self.method) || has(self.headers)',
      message: 'needs path, method or headers',
    }),
  );

/** Fields inside one match are all needed; a rule's list of matches is "any of". */
export type RequestMatch = z.output<typeof requestMatch>;

const split = z.strictObject({
  version: dnsLabel.describe('A name of `spec.versions`.'),
  weight: z
    .int()
    .min(0)
    .max(1_000_000)
    .describe('Share of the requests, over the sum of the weights of the rule.'),
  fault: fault.optional().describe('A fault for the requests that this version gets.'),
});

const rule = z.strictObject({
  name: dnsLabel.optional().describe('A name for messages, unique in the policy.'),
  match: z
    .array(requestMatch)
    .min(1)
    .max(16)
    .optional()
    .describe('Which requests the rule takes: those of any of these. Left out: every one.'),
  split: z
    .array(split)
    .min(1)
    .max(16)
    .meta(mapList('version'))
    .meta(
      rules({
        rule: 'self.exists(part, part.weight > 0)',
        message: 'must have weights that sum to more than 0',
      }),
    )
    .describe('The versions that share these requests.'),
  timeout: positiveDuration
    .optional()
    .describe('Limit for a whole answer, after which the gateway answers 504. Default: none.'),
});

/** One routing rule; the first rule that matches a request decides. */
export type TrafficRule = z.output<typeof rule>;

const endpoint = z.strictObject({
  address: z
    .string()
    .min(2)
    .max(45)
    .meta(rules({ rule: 'isIP(self)', message: 'must be an IPv4 or IPv6 address' }))
    .describe('IPv4 or IPv6 address.'),
  port: z.int().min(1).max(65_535).describe('TCP port.'),
});

const version = z
  .strictObject({
    name: dnsLabel.describe('Name of the version, unique in the policy.'),
    labels: z
      .record(z.string(), labelValue)
      .optional()
      .meta({ maxProperties: 8 })
      .meta(
        rules(
          { rule: 'self.size() > 0', message: 'must have at least one label' },
          {
            // As Kubernetes' own check of a label's key.
            rule: "self.all(key, key.size() <= 317 && key.matches('^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",
            message: 'must have label names only, such as "version" or "app.kubernetes.io/version"',
          },
        ),
      )
      .describe(
        'Its pods, among those of the Kubernetes Service that is the target: those with all of these labels. What Istio needs.',
      ),
    endpoints: z
      .array(endpoint)
      .min(1)
      .max(256)
      .meta(mapList('address', 'port'))
      .optional()
      .describe('Where its servers are. What an Envoy without a mesh needs.'),
  })
  .meta(
    rules({
      rule: 'has(self.labels) != has(self.endpoints)',
      message: 'needs exactly one of labels, endpoints',
    }),
  );

/** One version of a service: the pods with some labels, or servers by address. */
export type TrafficVersion = z.output<typeof version>;

/** Schema of `TrafficPolicy.spec`. What CEL cannot say of it is checked by the lint of admission. */
export const trafficPolicySpec = z
  .strictObject({
    target: z
      .strictObject({
        host: z
          .string()
          .regex(/^[a-z0-9*]([-a-z0-9.]*[a-z0-9])?$/, 'must be a host name or "*"')
          .max(253)
          .meta(must('must be a host name or "*"'))
          .describe('Host name of the requests; `*` is any other one. With Istio: the Service.'),
        port: z
          .int()
          .min(1)
          .max(65_535)
          .describe(
            'TCP port of the requests: where the gateway listens, or the port of the Service.',
          ),
      })
      .describe('Which requests: those for one host on one port. No two policies share it.'),
    versions: z
      .array(version)
      .min(1)
      .max(16)
      .meta(mapList('name'))
      .describe('The versions of the service.'),
    rules: z
      .array(rule)
      .min(1)
      .max(64)
      .meta(rules(uniqueNames))
      .describe('Where requests go: the first rule that takes a request decides.'),
  })
  .meta(rules(knownVersions))
  .describe('Where requests for one service go.');

/** The wish: where requests for one service go. */
export type TrafficPolicySpec = z.output<typeof trafficPolicySpec>;

/** Schema of `TrafficPolicy.status`. */
export const trafficPolicyStatus = z
  .strictObject({
    observedGeneration,
    snapshot: z
      .int()
      .min(0)
      .exactOptional()
      .describe('Fencing number of the newest snapshot that the gateway took with this policy.'),
    renderedHash: z
      .string()
      .max(64)
      .exactOptional()
      .describe('SHA-256 of the rendered resources without their version, in hex.'),
    overlays: z
      .array(z.string().max(253))
      .max(256)
      .exactOptional()
      .describe('Runs whose intent lies over the spec, oldest first.'),
    conditions: z
      .array(condition)
      .meta(mapList('type'))
      .exactOptional()
      .describe('`Accepted`, `Programmed`, `OverlayActive`.'),
  })
  .describe('What the gateway was given.');

/** The fact: what the gateway was given. */
export type TrafficPolicyStatus = Frozen<z.output<typeof trafficPolicyStatus>>;

/** One service's traffic. */
export type TrafficPolicy = Resource<'TrafficPolicy', TrafficPolicySpec, TrafficPolicyStatus>;
