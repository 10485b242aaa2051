import type { Operation } from './operation.ts';
import { broker } from './operations/broker.ts';
import { discovery } from './operations/discovery.ts';
import { hostOperations } from './operations/host.ts';
import { questions } from './operations/questions.ts';
import { resourceOperations } from './operations/resources.ts';

/** Every operation of the control plane: the API's, and the host's beside it. */
export const operations: readonly Operation[] = [
  ...Object.values(discovery),
  ...resourceOperations,
  ...Object.values(questions),
  ...Object.values(broker),
  ...hostOperations,
];
