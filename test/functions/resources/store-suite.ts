import { deletesSuite } from './store-suite/deletes.ts';
import type { Declare, OpenStore } from './store-suite/harness.ts';
import { readsSuite } from './store-suite/reads.ts';
import { watchesSuite } from './store-suite/watches.ts';
import { writesSuite } from './store-suite/writes.ts';

/**
 * What every ResourceStore has to do, wherever its objects are. Resource versions are opaque here, and changes may be
 * told as one: what only one implementation promises is in its own tests.
 */
export function storeSuite(test: Declare, suite: string, open: OpenStore): void {
  readsSuite(test, suite, open);
  writesSuite(test, suite, open);
  deletesSuite(test, suite, open);
  watchesSuite(test, suite, open);
}
