import { apiVersion } from './resources/meta.ts';
import { kinds, type Kind, type KindInfo, type PrinterColumn } from './resources/kinds.ts';
import { schemasOf } from './resources/kind-schemas.ts';
import { objectMeta } from './resources/object-meta.ts';
import { structuralSchema, type StructuralSchema } from './structural-schema.ts';

/**
 * The schema of a kind's whole object, with a description of every field: the one that its
 * CustomResourceDefinition has but for metadata, that the local store checks documents by, and that `explain` shows.
 */
export function resourceSchema(kind: Kind): StructuralSchema {
  return once(resources, kind, schemaOf);
}

/** The schema of a document of a kind as a user writes it: as in {@link resourceSchema}, without status. */
export function documentSchema(kind: Kind): StructuralSchema {
  return once(documents, kind, () => structuralSchema(schemasOf[kind].document));
}

// Schemas never change, and making one takes a millisecond or two.
const resources = new Map<Kind, StructuralSchema>();
const documents = new Map<Kind, StructuralSchema>();

function once(
  known: Map<Kind, StructuralSchema>,
  kind: Kind,
  make: (info: KindInfo) => StructuralSchema,
): StructuralSchema {
  const found = known.get(kind) ?? make(infoOf(kind));
  known.set(kind, found);
  return found;
}

function schemaOf({ kind, description }: KindInfo): StructuralSchema {
  const { spec, status } = schemasOf[kind];
  return {
    type: 'object',
    description,
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string', description: `Always \`${apiVersion}\`.` },
      kind: { type: 'string', description: `Always \`${kind}\`.` },
      metadata: {
        ...structuralSchema(objectMeta),
        description: 'Name, namespace, labels and annotations, and what the store keeps of it.',
      },
      spec: structuralSchema(spec),
      status: structuralSchema(status),
    },
  };
}

/** A CustomResourceDefinition, as `kubectl apply` takes it. */
export interface CustomResourceDefinition {
  readonly apiVersion: 'apiextensions.k8s.io/v1';
  readonly kind: 'CustomResourceDefinition';
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly scope: 'Namespaced';
    /** Fields that the schema does not have are never stored. */
    readonly preserveUnknownFields: false;
    /** There is one version, so nothing has to be converted. */
    readonly conversion: { readonly strategy: 'None' };
    readonly names: {
      readonly kind: Kind;
      readonly listKind: string;
      readonly plural: string;
      readonly singular: string;
      readonly shortNames?: readonly string[];
      readonly categories: readonly string[];
    };
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly storage: boolean;
      readonly schema: { readonly openAPIV3Schema: StructuralSchema };
      readonly subresources: { readonly status: object };
      readonly additionalPrinterColumns: readonly PrinterColumn[];
      readonly selectableFields?: readonly { readonly jsonPath: string }[];
    }[];
  };
}

/** The CustomResourceDefinition of a kind. */
export function customResourceDefinition(kind: Kind): CustomResourceDefinition {
  const { plural, singular, shortNames, columns, selectable } = infoOf(kind);
  const [group = '', version = ''] = apiVersion.split('/');
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      preserveUnknownFields: false,
      conversion: { strategy: 'None' },
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular,
        ...(shortNames.length > 0 && { shortNames }),
        categories: ['clover'],
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: kubernetesSchema(kind) },
          subresources: { status: {} },
          additionalPrinterColumns: [
            ...columns,
            { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
          ],
          ...(selectable.length > 0 && {
            selectableFields: selectable.map((jsonPath) => ({ jsonPath })),
          }),
        },
      ],
    },
  };
}

/** Of metadata, a CustomResourceDefinition may say something of the name only, and nothing of the whole. */
function kubernetesSchema(kind: Kind): StructuralSchema {
  const schema = withoutWords(resourceSchema(kind));
  const { metadata, ...others } = schema.properties ?? {};
  const { spec } = others;
  const name = metadata?.properties?.['name'];
  if (name === undefined || spec === undefined) return schema;
  return {
    ...schema,
    properties: {
      ...others,
      // One field to server-side apply: who applies a spec has the whole of it, whoever wrote it before.
      spec: { ...spec, 'x-kubernetes-map-type': 'atomic' },
      metadata: { type: 'object', properties: { name } },
    },
  };
}

/** The schema without what Kubernetes does not know. */
function withoutWords(schema: StructuralSchema): StructuralSchema {
  const { must: _, items, properties, additionalProperties, ...known } = schema;
  return {
    ...known,
    ...(items !== undefined && { items: withoutWords(items) }),
    ...(additionalProperties !== undefined && {
      additionalProperties: withoutWords(additionalProperties),
    }),
    ...(properties !== undefined && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, inner]) => [name, withoutWords(inner)]),
      ),
    }),
  };
}

function infoOf(kind: Kind): KindInfo {
  const info = kinds.find((candidate) => candidate.kind === kind);
  if (info === undefined) throw new TypeError(`kind ${kind} has no entry`);
  return info;
}
