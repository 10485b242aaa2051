import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EventHandler } from './event-handler.ts';
import type { Telemetry } from './telemetry.ts';

/** Answers a request, or says why it does not. `mountRouter` makes one of a router of Express. */
export type HttpHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  fail: (error: unknown) => void,
) => void;

/**
 * One deployable function. Every method may be called at any time and more than once with the same
 * event. An event handler that resolves has done its work durably (the answer is 2xx); a
 * CloverError decides status and retry by its code; anything else is a 500, to be tried again.
 */
export interface CloverFunction {
  /** The name in the catalogue. */
  readonly name: string;
  /** What takes the events of the function's triggers, direct types and schedules: one handler per type. */
  readonly handlers?: readonly EventHandler[];
  /** Plain HTTP below the catalogue's paths, and where it counts; made when the first request for it comes. */
  routes?(telemetry: Pick<Telemetry, 'count'>): Promise<HttpHandler>;
  /** Its routes ask themselves who calls and what they may do: the host lets everyone through to them. */
  readonly isGuarded?: boolean;
  /** Whether the named schedule should tick now. */
  isActive?(schedule: string): Promise<boolean>;
  /** What it works with and does without for a while, by name: each is asked, and throws why it does not answer. */
  readonly dependencies?: Readonly<Record<string, () => Promise<void>>>;
  /** Counters for the host's status page: name → value. */
  counters?(): Readonly<Record<string, number>>;
  /** Finishes what is in flight; called once, after the last invocation. */
  close?(): Promise<void>;
}
