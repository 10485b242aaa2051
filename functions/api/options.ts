import type { AnalyticsStore } from '../analytics/store.ts';
import type { DeadLetterAdmin } from '../dead-letters/dead-letter-admin.ts';
import type { EvidenceStore } from '../evidence/evidence-store.ts';
import type { BrokerAdmin } from '../host/broker/admin.ts';
import type { Clock } from '../lib/clock.ts';
import type { EventRecorder } from '../records/event-recorder.ts';
import type { ResourceStore } from '../resources/store.ts';
import type { Guard } from '../resources/kubernetes/guard.ts';
import type { Status } from './schemas/questions.ts';
import type { StreamLimits } from './streams.ts';

/** What the API needs. */
export interface ApiOptions {
  readonly resources: ResourceStore;
  readonly analytics: Pick<AnalyticsStore, 'red' | 'storedArms'>;
  readonly evidence: Pick<EvidenceStore, 'totals' | 'looks'>;
  /** Without it there are no routes for records. */
  readonly records?: Pick<EventRecorder, 'list' | 'watch'>;
  /** The broker starts after the functions that it serves. Without it there is no tail of its events. */
  readonly broker?: () => Promise<BrokerAdmin>;
  /** Default: those of the broker. Without both there are no routes for them. */
  readonly deadLetters?: () => Promise<DeadLetterAdmin>;
  /** Counters of every part. */
  readonly status: () => Promise<Status>;
  /** Default: whoever the host lets through may do everything. */
  readonly guard?: Guard;
  readonly clock: Clock;
  /** Of Clover, for the OpenAPI document. */
  readonly version: string;
  /** Milliseconds between signs of life in a stream. Default: 15,000. */
  readonly heartbeatMs?: number;
  /** Milliseconds between two live views. Default: 1,000. */
  readonly livePeriodMs?: number;
  readonly limits?: StreamLimits;
}
