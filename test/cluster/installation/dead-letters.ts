import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { deadLetterPage, type DeadLetterDocument } from '../../../functions/api/schemas/broker.ts';
import type { CliResult } from '../../cloverctl/run-cli.ts';
import { own, patience } from './guarded.ts';
import type { Operator } from './operator.ts';
import type { NodeStage } from './stage.ts';

/** Asks as an operator does: `cloverctl deadletters`. */
export const deadLetters = (
  { cloverctl }: Operator,
  ...args: readonly string[]
): Promise<CliResult> => cloverctl('deadletters', ...args);

/**
 * What is listed of a trigger, newest first.
 * @throws Error with what `cloverctl` says when it fails.
 */
export async function lettersOf(
  operator: Operator,
  trigger: string,
): Promise<readonly DeadLetterDocument[]> {
  const listed = await deadLetters(operator, 'list', '--trigger', trigger, '--json');
  if (listed.code !== 0) throw new Error(listed.stderr);
  return deadLetterPage.parse(JSON.parse(listed.stdout)).items;
}

/** Waits for a letter of a trigger. */
export async function letterWhen(
  operator: Operator,
  trigger: string,
  fits: (letter: DeadLetterDocument) => boolean,
): Promise<DeadLetterDocument> {
  for (;;) {
    const found = (await lettersOf(operator, trigger)).find(fits);
    if (found !== undefined) return found;
    await sleep(500);
  }
}

const triggerSpec = z.object({ spec: z.object({ subscriber: z.looseObject({}) }) });

/**
 * Brings what a Trigger of Clover gets to somebody else.
 * @returns gives it back.
 */
export async function divert(
  { tier }: Pick<NodeStage, 'tier'>,
  trigger: string,
  uri: string,
): Promise<() => Promise<void>> {
  const object = [...own, `trigger/${trigger}`];
  const found = await tier.kubectl(['get', ...object, '-o', 'json']);
  const before = triggerSpec.parse(JSON.parse(found)).spec.subscriber;
  const bring = async (subscriber: object): Promise<void> => {
    const patch = JSON.stringify([{ op: 'replace', path: '/spec/subscriber', value: subscriber }]);
    await tier.kubectl(['patch', ...object, '--type=json', '-p', patch]);
    await tier.kubectl(['wait', '--for=condition=Ready', patience, ...object]);
  };
  await bring({ uri });
  return () => bring(before);
}
