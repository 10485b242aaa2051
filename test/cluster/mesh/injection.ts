import { parse } from 'yaml';
import { z } from 'zod';

/** Files of Istio's chart, as texts. */
export interface ChartTexts {
  /** Template of what a pod gets. */
  readonly sidecar: string;
  /** Template of what a Gateway becomes. */
  readonly gateway: string;
  readonly values: string;
}

/** What istiod reads below `var/lib/istio/inject`, as texts. */
export interface InjectionFiles {
  readonly config: string;
  readonly values: string;
}

/** The chart lays a profile between these and what a user sets; there is none here. */
const defaults = '_internal_defaults_do_not_set';
const section = z.looseObject({});
const chart = z.object({
  [defaults]: z.object({
    cni: section,
    env: section,
    gateways: section,
    global: z.looseObject({ proxy: section, proxy_init: section }),
    revision: z.string(),
    sidecarInjectorWebhook: section,
  }),
});

/**
 * Istio's own templates with the values of its chart, but for the image, for what a proxy asks of a small node, and for nftables in place
 * of iptables, which would take a folder of plug-ins into the image.
 * @throws ZodError when the values are not those of the chart.
 */
export function injectionFiles(texts: ChartTexts, image: string): InjectionFiles {
  const { cni, env, global, ...rest } = chart.parse(parse(texts.values))[defaults];
  const values = {
    ...rest,
    pilot: { cni, env },
    global: {
      ...global,
      nativeNftables: true,
      proxy: {
        ...global.proxy,
        image,
        readinessPeriodSeconds: 1,
        resources: { requests: { cpu: '5m', memory: '32Mi' } },
      },
      proxy_init: { ...global.proxy_init, image },
    },
  };
  const config = {
    policy: 'enabled',
    defaultTemplates: ['sidecar'],
    templates: { sidecar: texts.sidecar, 'kube-gateway': texts.gateway },
  };
  return { config: JSON.stringify(config), values: JSON.stringify(values) };
}
