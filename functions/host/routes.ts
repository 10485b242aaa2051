import type { HttpHandler } from './function.ts';
import type { Deployed } from './runner.ts';
import { noTelemetry, type Telemetry } from './telemetry.ts';

/** The routes of the function that a path belongs to, by the paths of the catalogue; made when they are first asked for. */
export type Routes = (path: string) => Promise<HttpHandler | undefined> | undefined;

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
      return { paths, handler: () => (made ??= make()) };
    });
  return (path) => owners.find(({ paths }) => paths.some((base) => isBelow(path, base)))?.handler();
}

function isBelow(path: string, base: string): boolean {
  return base === '/' || path === base || path.startsWith(`${base}/`);
}
