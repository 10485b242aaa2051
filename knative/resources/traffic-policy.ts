import { z } from 'zod';
import { dnsLabel, durationText, type Condition, type Resource } from './meta.ts';

const percent = z.number().min(0).max(100);

/** A fault on the way to one version. Never on a shared route: the other arm must not feel it. */
export const fault = z
  .strictObject({
    delay: z.strictObject({ duration: durationText, percent: percent.default(100) }).optional(),
    abort: z
      .strictObject({ status: z.int().min(200).max(599), percent: percent.default(100) })
      .optional(),
  })
  .refine((value) => value.delay !== undefined || value.abort !== undefined, {
    message: 'needs delay, abort or both',
  });

/** A fault: a delay, an abort, or both. */
export type Fault = z.output<typeof fault>;

const textMatch = z
  .strictObject({
    exact: z.string().min(1).optional(),
    prefix: z.string().min(1).optional(),
    regex: z.string().min(1).optional(),
  })
  .refine((value) => Object.keys(value).length === 1, {
    message: 'needs exactly one of exact, prefix, regex',
  });

/** One way to match text: the whole of it, its beginning, or an RE2 expression over all of it. */
export type TextMatch = z.output<typeof textMatch>;

const headerMatch = z.strictObject({
  name: z.string().regex(/^[a-z0-9!#$%&'*+.^_`|~-]+$/, 'must be a lower-case HTTP field name'),
  value: textMatch,
});

const requestMatch = z
  .strictObject({
    path: textMatch.optional(),
    method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']).optional(),
    headers: z.array(headerMatch).min(1).max(16).optional(),
  })
  .refine((value) => Object.keys(value).length > 0, { message: 'needs path, method or headers' });

/** Fields inside one match are all needed; a rule's list of matches is "any of". */
export type RequestMatch = z.output<typeof requestMatch>;

const split = z.strictObject({
  version: dnsLabel,
  weight: z.int().min(0).max(1_000_000),
  fault: fault.optional(),
});

const rule = z.strictObject({
  name: dnsLabel.optional(),
  match: z.array(requestMatch).min(1).max(16).optional(),
  split: z.array(split).min(1).max(16),
  timeout: durationText.optional(),
});

/** One routing rule; the first rule that matches a request decides. */
export type TrafficRule = z.output<typeof rule>;

/** Schema of `TrafficPolicy.spec`. Checks across fields are made by the admission of the resource store. */
export const trafficPolicySpec = z.strictObject({
  target: z.strictObject({
    host: z.string().regex(/^[a-z0-9*]([-a-z0-9.]*[a-z0-9])?$/, 'must be a host name or "*"'),
    port: z.int().min(1).max(65_535),
  }),
  versions: z
    .array(
      z.strictObject({
        name: dnsLabel,
        endpoints: z
          .array(
            z.strictObject({
              address: z.union([z.ipv4(), z.ipv6()]),
              port: z.int().min(1).max(65_535),
            }),
          )
          .min(1)
          .max(256),
      }),
    )
    .min(1)
    .max(16),
  rules: z.array(rule).min(1).max(64),
});

/** The wish: where requests for one service go. */
export type TrafficPolicySpec = z.output<typeof trafficPolicySpec>;

/** The fact: what the gateway was given. */
export interface TrafficPolicyStatus {
  readonly observedGeneration?: number;
  /** Fencing number of the newest snapshot that the gateway acknowledged with this policy in it. */
  readonly snapshot?: number;
  /** SHA-256 of the rendered resources without their version, hex. */
  readonly renderedHash?: string;
  /** Names of runs whose intent lies over the spec, oldest first. */
  readonly overlays?: readonly string[];
  /** `Accepted`, `Programmed`, `OverlayActive`. */
  readonly conditions?: readonly Condition[];
}

/** One service's traffic. */
export type TrafficPolicy = Resource<'TrafficPolicy', TrafficPolicySpec, TrafficPolicyStatus>;
