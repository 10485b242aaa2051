/* SPDX-License-Identifier: GPL-2.0 */
/* The stage in which user space has its say: what nobody reads is counted and not copied. */
#pragma once

#include "work.bpf.h"

#define FLAG_FIN 0x01
#define FLAG_SYN 0x02
#define FLAG_RST 0x04

enum wanted { ALL, HEAD_ALONE, NOTHING };

static __always_inline void set_key(struct tap_flow *key, const struct tap_record *record)
{
  int out = record->direction == TAP_FROM_POD;
  __builtin_memcpy(key->pod, out ? record->source : record->destination, sizeof(key->pod));
  __builtin_memcpy(key->peer, out ? record->destination : record->source, sizeof(key->peer));
  key->pod_port = out ? record->source_port : record->destination_port;
  key->peer_port = out ? record->destination_port : record->source_port;
  key->datagrams = record->datagram_length > 0;
}

/* What user space wants to have of this packet; what it does not is counted as skipped. */
static __noinline int is_wanted(const struct tap_record *record)
{
  struct tap_counters *counter = count();
  if (!counter) return ALL;
  struct tap_flow key = {.point = record->point};
  set_key(&key, record);
  struct tap_verdict *verdict = bpf_map_lookup_elem(&verdicts, &key);
  if (!verdict) return ALL;
  if (key.datagrams) {
    __u64 now = bpf_ktime_get_ns();
    /* Another CPU may have noted a later one meanwhile. */
    if ((__s64)(now - verdict->seen_ns) > (__s64)TAP_DATAGRAMS_IDLE_NS) {
      bpf_map_delete_elem(&verdicts, &key);
      return ALL;
    }
    verdict->seen_ns = now;
  } else if (record->tcp_flags & (FLAG_SYN | FLAG_FIN | FLAG_RST)) {
    /* Another connection with the same addresses begins. */
    if (record->tcp_flags & FLAG_SYN) bpf_map_delete_elem(&verdicts, &key);
    return ALL;
  }
  __u32 reason = verdict->reason;
  if (reason) {
    if (reason >= TAP_REASONS) return ALL;
    add_to(&counter->skipped_bytes[reason], record->payload_length);
    add_to(&counter->unwanted_segments, 1);
    return NOTHING;
  }
  if (key.datagrams) return ALL;
  /* Sequence numbers wrap, and so do these differences. */
  __u32 from = verdict->from[record->direction & 1];
  __u32 size = verdict->until[record->direction & 1] - from;
  __u32 at = record->seq - from;
  if (size > TAP_MAX_RANGE) return ALL;
  if (at < size) {
    if (record->payload_length > size - at) return ALL;
    add_to(&counter->unwanted_segments, 1);
    return HEAD_ALONE;
  }
  /* It is behind the range, which would mean other bytes when they have wrapped around. */
  if (at - size < TAP_MAX_RANGE) verdict->until[record->direction & 1] = from;
  return ALL;
}
