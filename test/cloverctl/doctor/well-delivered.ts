const none = { batches: 0, spans: 0 };

/** What became of spans, of which so many were taken and none is anywhere else. */
export const bucketsOf = (spans: number) => ({
  entered: { batches: 1, spans },
  accepted: { batches: 1, spans },
  rejected: none,
  lost: {},
  pending: none,
});

/** The part of an agent's ledger that says what became of what it sent, where all is well. */
export const wellDelivered = {
  sink: bucketsOf(7),
  inherited: bucketsOf(0),
  sinks: { byName: {}, unknown: [], removed: {} },
  evidence: { sent: 3, accepted: 3, failed: 0, failing: false, acked: 3 },
};
