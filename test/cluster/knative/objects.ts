import { parseAllDocuments } from 'yaml';
import { z } from 'zod';

const probe = z.looseObject({});
const container = z.looseObject({
  image: z.string(),
  livenessProbe: probe.exactOptional(),
  readinessProbe: probe.exactOptional(),
});
type Container = z.output<typeof container>;

const deployment = z.looseObject({
  spec: z.looseObject({
    template: z.looseObject({ spec: z.looseObject({ containers: z.array(container) }) }),
  }),
});
const object = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().exactOptional() }),
});

/** An object as a release of Knative has it. */
export type ReleaseObject = z.output<typeof object>;

/** Data of ConfigMaps, by their names. */
export type ReleaseSettings = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** What a release becomes here. */
export interface Fitting {
  /** Names of images by the packages of their programs. What else a release starts is left out. */
  readonly images: ReadonlyMap<string, string>;
  /** The ConfigMaps that have none here stay as they are. */
  readonly settings: ReleaseSettings;
}

/** Groups of a release in the order in which they are applied, each when the one before is there. */
export interface Stages {
  readonly definitions: readonly ReleaseObject[];
  readonly others: readonly ReleaseObject[];
  readonly deployments: readonly ReleaseObject[];
  /** They refuse everything until who serves them listens. */
  readonly webhooks: readonly ReleaseObject[];
}

// What one small node has no use for, and what belongs to software that is not there.
const leftOut = new Set(['Certificate', 'HorizontalPodAutoscaler', 'Image', 'PodDisruptionBudget']);
const packagePrefix = 'ko://';

/** The objects in the text of a release. */
export function readRelease(text: string): ReleaseObject[] {
  return parseAllDocuments(text)
    .map((document) => object.nullable().parse(document.toJS()))
    .filter((each) => each !== null);
}

/** A release as it runs on one small node. */
export function fitRelease(objects: readonly ReleaseObject[], fitting: Fitting): Stages {
  const kept = objects
    .filter(({ kind }) => !leftOut.has(kind))
    .map((each) => withImages(each, fitting.images))
    .map((each) => withSettings(each, fitting.settings));
  const isDefinition = ({ kind }: ReleaseObject): boolean =>
    kind === 'Namespace' || kind === 'CustomResourceDefinition';
  const isStarted = ({ kind }: ReleaseObject): boolean =>
    kind === 'Deployment' || kind === 'StatefulSet';
  const isWebhook = ({ kind }: ReleaseObject): boolean => kind.endsWith('WebhookConfiguration');
  return {
    definitions: kept.filter(isDefinition),
    others: kept.filter((each) => !isDefinition(each) && !isWebhook(each) && !isStarted(each)),
    deployments: kept.filter(isStarted).flatMap(withoutWaits),
    webhooks: kept.filter(isWebhook),
  };
}

function withImages(each: ReleaseObject, images: Fitting['images']): ReleaseObject {
  const text = JSON.stringify(each).replaceAll(
    /ko:\/\/([\w./-]+)/g,
    (found, program: string) => images.get(program) ?? found,
  );
  return object.parse(JSON.parse(text));
}

function withSettings(each: ReleaseObject, settings: Fitting['settings']): ReleaseObject {
  const own = each.kind === 'ConfigMap' ? settings[each.metadata.name] : undefined;
  if (own === undefined) return each;
  const data = z.record(z.string(), z.string()).default({}).parse(each['data']);
  return { ...each, data: { ...data, ...own } };
}

/** None, if its program is not built. */
function withoutWaits(each: ReleaseObject): ReleaseObject[] {
  const { spec } = deployment.parse(each);
  const { containers } = spec.template.spec;
  if (containers.some(({ image }) => image.startsWith(packagePrefix))) return [];
  const template = {
    ...spec.template,
    spec: {
      ...spec.template.spec,
      containers: containers.map(fitContainer),
      terminationGracePeriodSeconds: 1,
    },
  };
  return [{ ...each, spec: { ...spec, template } }];
}

/** No shares of processors that a small node does not have; ready as soon as it is; time for answers while others compile. */
function fitContainer({ livenessProbe, readinessProbe, ...rest }: Container): Container {
  return {
    ...rest,
    resources: {},
    ...(livenessProbe && { livenessProbe: { ...livenessProbe, timeoutSeconds: 10 } }),
    ...(readinessProbe && {
      readinessProbe: {
        ...readinessProbe,
        initialDelaySeconds: 0,
        periodSeconds: 1,
        timeoutSeconds: 5,
        failureThreshold: 10,
      },
    }),
  };
}
