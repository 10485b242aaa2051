import { z } from 'zod';

/** A network layer of Knative Serving: the ConfigMap that names its gateways, and where they are unless it does. */
interface NetworkLayer {
  readonly configMap?: string;
  readonly usual: readonly string[];
}

/** By the beginning of the class. Pods of Clover's own carry a label, and need no namespace. */
const layers: Readonly<Record<string, NetworkLayer>> = {
  clover: { usual: [] },
  contour: { configMap: 'config-contour', usual: ['contour-external', 'contour-internal'] },
  'gateway-api': { configMap: 'config-gateway', usual: ['istio-system'] },
  istio: { configMap: 'config-istio', usual: ['istio-system'] },
  kourier: { usual: ['kourier-system'] },
};

const configMap = z.object({ data: z.record(z.string(), z.string()).default({}) });

/** Serving's own default. */
const defaultClass = 'istio.ingress.networking.knative.dev';

/**
 * Namespaces of the gateways that carry requests to Knative Services, sorted; undefined where they cannot be told.
 * @param read the ConfigMap of a name in Serving's namespace; undefined: there is none, or one may not look.
 */
export async function gatewayNamespaces(
  read: (name: string) => Promise<unknown>,
): Promise<readonly string[] | undefined> {
  const network = await read('config-network');
  if (network === undefined) return undefined;
  const { data } = configMap.parse(network);
  const name = data['ingress-class'] ?? data['ingress.class'] ?? defaultClass;
  const layer = layers[name.split('.')[0] ?? ''];
  if (layer === undefined) return undefined;
  const said = layer.configMap === undefined ? undefined : await read(layer.configMap);
  const named = said === undefined ? [] : namespacesIn(configMap.parse(said).data);
  return named.length === 0 ? layer.usual : named;
}

/** Of Services that are named `name.namespace.svc…`, or `service: namespace/name`. */
function namespacesIn({ _example, ...data }: Readonly<Record<string, string>>): string[] {
  const text = Object.values(data).join('\n');
  const found = text.matchAll(/[-\w]+\.([-\w]+)\.svc\b|\bservice:\s*"?([-\w]+)\/[-\w]/g);
  return [...new Set([...found].map(([, host, path]) => host ?? path ?? ''))].toSorted();
}
