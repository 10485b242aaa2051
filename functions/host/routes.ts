import type { HttpHandler } from './function.ts';
import type { Deployed } from './runner.ts';
import { noTelemetry, type Telemetry } from './telemetry.ts';

/** The functions that paths belong to, by the paths of the catalogue. */
export interface Routes {
  /** The routes of the one that a path belongs to; made when they are first asked for. */
  handler(path: string): Promise<HttpHandler | undefined> | undefined;
  /** Whether these ask themselves who calls. */
  isGuarded(path: string): boolean;
}

/** Of several functions with a path above it the first one counts. */
export function createRoutes(
  deployed: readonly Deployed[],
  telemetry: Telemetry = noTelemetry,
): Routes {
  const owners = deployed
    .filter(({ fn }) => fn.routes !== undefined)
    .map(({ fn, entry: { paths } }) => {
      let made: Promise<HttpHandler | undefined> | undefined;
      const make = async (): Promise<HttpHandler | undefined> => {
        try {
          return await fn.routes?.(telemetry);
        } catch (error) {
          // Whatever was missing may be there for the next request.
          made = undefined;
          throw error;
        }
      };
      return { paths, isGuarded: fn.isGuarded === true, handler: () => (made ??= make()) };
    });
  const ownerOf = (path: string): (typeof owners)[number] | undefined =>
    owners.find(({ paths }) => paths.some((base) => isBelow(path, base)));
  return {
    handler: (path) => ownerOf(path)?.handler(),
    isGuarded: (path) => !isOfHost(path) && ownerOf(path)?.isGuarded === true,
  };
}

/** What the host answers before it asks for the routes of a function, which may have all paths. */
const isOfHost = (path: string): boolean => /^\/($|metrics$|broker$|functions\/)/.test(path);

function isBelow(path: string, base: string): boolean {
  return base === '/' || path === base || path.startsWith(`${base}/`);
}
