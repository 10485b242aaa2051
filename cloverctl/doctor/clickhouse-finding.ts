import { z } from 'zod';
import { secretKey } from '../../knative/render/installation-values.ts';
import { clickHouseAnswer, type ClickHouseQuestions } from '../installation/clickhouse-answer.ts';
import type { Inventory } from '../installation/inventory.ts';
import type { Finding } from './finding.ts';

const said = z.object({
  knative: z.boolean().default(false),
  controlPlane: z.object({ tokenSecret: secretKey.exactOptional() }).prefault({}),
});

/** Whether the functions have an answer of ClickHouse. */
export async function clickHouseFinding(
  questions: ClickHouseQuestions,
  { settings }: Pick<Inventory, 'settings'>,
  namespace: string,
): Promise<Finding> {
  const check = 'ClickHouse';
  const installation = said.parse(settings);
  const answer = await clickHouseAnswer(questions, { namespace, ...installation });
  if (answer.state === 'answers') return { check, state: 'good', found: 'answers' };
  // Who has nothing to store asks for nothing.
  if (answer.state === 'unasked' && installation.knative) {
    return { check, state: 'good', found: `is not asked: ${answer.why}` };
  }
  if (answer.state === 'silent') {
    const fix =
      'mend clickhouse.url, clickhouse.username or the Secret of the password; after a change of that one: docs/operations.md, Rotate';
    return { check, state: 'bad', found: `does not answer: ${answer.why}`, fix };
  }
  const fix = 'it takes the verbs get on secrets and create on pods/portforward';
  return { check, state: 'doubtful', found: `nobody could be asked: ${answer.why}`, fix };
}
