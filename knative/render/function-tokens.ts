import { projectedToken } from './audience.ts';
import { functionTable, takesEvents, type FunctionRow } from './function-table.ts';
import type { Installation } from './installation.ts';

/** Where who replays has a token for each function that takes events, in a file of the function's name. */
export const tokensMount = '/etc/clover/tokens';

/** With `oidc` functions ask whoever sends, and so also who replays dead letters to them. */
export function tokenVolumes({ namespace, oidc }: Installation, { replays }: FunctionRow) {
  if (!oidc || replays !== true) return [];
  const called = functionTable.filter(takesEvents);
  const sources = called.map((one) => projectedToken(namespace, one.name, one.name));
  return [{ name: 'tokens', projected: { sources } }];
}
