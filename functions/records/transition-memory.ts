import type { EventRecorder } from './event-recorder.ts';

/** What was told last of each object and matter. Implementation: ClickHouse. */
export interface TransitionMemory extends Pick<EventRecorder, 'noted' | 'forget' | 'close'> {
  /** Remembers a transition in place of the one before. */
  remember(uid: string, what: string, to: string): Promise<void>;
}
