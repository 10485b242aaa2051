import type { Router } from 'express';
import type { Logger } from 'pino';
import type { CloudEvent } from '../lib/cloud-event.ts';

/** What a handler knows of the invocation that it serves. */
export interface Invocation {
  /** Aborted at the delivery's deadline and when the host stops. */
  readonly signal: AbortSignal;
  /** Bound to the function, the event and its trace. */
  readonly log: Logger;
}

/**
 * One deployable function. Every method may be called at any time and more than once with the same
 * event. An event handler that resolves has done its work durably (the answer is 2xx); a
 * CloverError decides status and retry by its code; anything else is a 500, to be tried again.
 */
export interface CloverFunction {
  /** The name in the catalogue. */
  readonly name: string;
  /** Takes the events of the function's triggers, direct types and schedules. */
  onEvent?(event: CloudEvent, invocation: Invocation): Promise<void>;
  /** Plain HTTP below the catalogue's paths. */
  readonly router?: Router;
  /** Whether the named schedule should tick now. */
  isActive?(schedule: string): Promise<boolean>;
  /** Counters for the host's status page: name → value. */
  counters?(): Readonly<Record<string, number>>;
  /** Finishes what is in flight; called once, after the last invocation. */
  close?(): Promise<void>;
}

/** Accepts an event for at-least-once delivery; resolves after the durable commit. */
export type EmitEvent = (event: CloudEvent) => Promise<void>;
