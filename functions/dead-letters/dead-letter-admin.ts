import type { CloudEvent } from '../lib/cloud-event.ts';

/** An event that could not be delivered. */
export interface DeadLetter {
  readonly id: number;
  readonly trigger: string;
  /** Attempts that were made; absent where the broker does not say: Knative's. */
  readonly attempts?: number;
  /** Unix ms. */
  readonly at: number;
  /** The event with Knative's `knativeerrordest`, `knativeerrorcode` and `knativeerrordata`. */
  readonly event: CloudEvent;
}

/** Which dead letters are listed. */
export interface DeadLetterQuery {
  /** At most so many, at least 1. */
  readonly limit: number;
  /** Only those with a smaller id: the last one of the page before. */
  readonly before?: number;
  /** Only those of this trigger. */
  readonly trigger?: string;
}

/** What an operator sees and does of the dead letters. Implementations: the broker of the one process; ClickHouse beside Knative's. */
export interface DeadLetterAdmin {
  /** Newest first. */
  deadLetters(query: DeadLetterQuery): Promise<readonly DeadLetter[]>;
  deadLetter(id: number): Promise<DeadLetter | undefined>;
  /**
   * Gives the letter, as it was before it failed, to the function of its own trigger again; then it is no dead letter any more. False
   * when there is none of that id.
   * @throws CloverError CLV_OVERLOADED, CLV_EMIT_REFUSED: it stays a dead letter; CLV_CONFLICT when its trigger does not exist any more.
   */
  replayDeadLetter(id: number): Promise<boolean>;
  /** Deletes the letter for good. False when there is none of that id. */
  dropDeadLetter(id: number): Promise<boolean>;
}
