/* SPDX-License-Identifier: GPL-2.0 */
/* The stage in which user space has its say: what nobody reads is counted and not copied. */
#pragma once

#include "work.bpf.h"

#define FLAG_FIN 0x01
#define FLAG_SYN 0x02
#define FLAG_RST 0x04
#define FLAG_ACK 0x10

enum wanted { ALL, HEAD_ALONE, NOTHING };

static __always_inline int is_v4(const __u32 *address)
{
  return !address[0] && !address[1] && address[2] == bpf_htonl(0xffff);
}

/* What the verdict of a flow says: `reason` is above 0 where it is that nothing is wanted. */
static __always_inline enum wanted by_verdict(void *map, const void *key, const struct tap_record *record, __u32 *reason)
{
  struct tap_verdict *verdict = bpf_map_lookup_elem(map, key);
  if (!verdict) return ALL;
  int datagrams = record->datagram_length > 0;
  if (datagrams) {
    __u64 now = bpf_ktime_get_ns();
    /* Another CPU may have noted a later one meanwhile. */
    if ((__s64)(now - verdict->seen_ns) > (__s64)TAP_DATAGRAMS_IDLE_NS) {
      bpf_map_delete_elem(map, key);
      return ALL;
    }
    verdict->seen_ns = now;
  } else if (record->tcp_flags & (FLAG_SYN | FLAG_FIN | FLAG_RST)) {
    /* Another connection with the same addresses begins. */
    if (record->tcp_flags & FLAG_SYN) bpf_map_delete_elem(map, key);
    return ALL;
  }
  *reason = verdict->reason;
  if (*reason) {
    verdict->left_out++;
    return NOTHING;
  }
  if (datagrams) return ALL;
  /* Sequence numbers wrap, and so do these differences. */
  __u32 from = verdict->from[record->direction & 1];
  __u32 size = verdict->until[record->direction & 1] - from;
  __u32 at = record->seq - from;
  if (size > TAP_MAX_RANGE) return ALL;
  if (at < size) return record->payload_length > size - at ? ALL : HEAD_ALONE;
  /* It is behind the range, which would mean other bytes when they have wrapped around. */
  if (at - size < TAP_MAX_RANGE) verdict->until[record->direction & 1] = from;
  return ALL;
}

static __always_inline enum wanted by_verdict4(const struct tap_record *record, __u32 *reason)
{
  int out = record->direction == TAP_FROM_POD;
  struct tap_flow4 key = {
      .point = record->point,
      .pod = out ? record->source[3] : record->destination[3],
      .peer = out ? record->destination[3] : record->source[3],
      .pod_port = out ? record->source_port : record->destination_port,
      .peer_port = out ? record->destination_port : record->source_port,
      .datagrams = record->datagram_length > 0,
  };
  return by_verdict(&verdicts4, &key, record, reason);
}

static __noinline int by_verdict6(const struct tap_record *record, __u32 *reason)
{
  int out = record->direction == TAP_FROM_POD;
  struct tap_flow key = {
      .point = record->point,
      .pod_port = out ? record->source_port : record->destination_port,
      .peer_port = out ? record->destination_port : record->source_port,
      .datagrams = record->datagram_length > 0,
  };
  if (record->session) {
    key = (struct tap_flow){.point = record->point, .datagrams = TAP_SESSION};
    __builtin_memcpy(key.pod, &record->session, sizeof(record->session));
    return by_verdict(&verdicts6, &key, record, reason);
  }
  __builtin_memcpy(key.pod, out ? record->source : record->destination, sizeof(key.pod));
  __builtin_memcpy(key.peer, out ? record->destination : record->source, sizeof(key.peer));
  return by_verdict(&verdicts6, &key, record, reason);
}

/* What user space wants to have of a traced packet; it is counted by that. */
static __always_inline enum wanted is_wanted(const struct tap_record *record, struct tap_counters *counter)
{
  __u32 reason = 0;
  int short_key = !record->session && is_v4(record->source) && is_v4(record->destination);
  enum wanted wanted = short_key ? by_verdict4(record, &reason) : by_verdict6(record, &reason);
  if (wanted == NOTHING && reason < TAP_REASONS) {
    struct tap_skipped *skipped = &counter->skipped[reason];
    /* Else the compiler works it out anew, of a number that the verifier has not seen compared. */
    barrier_var(skipped);
    add_to(&skipped->segments, 1);
    add_to(&skipped->bytes, record->payload_length);
    return NOTHING;
  }
  add_to(&counter->segments, 1);
  add_to(&counter->payload_bytes, record->payload_length);
  if (wanted == HEAD_ALONE) add_to(&counter->heads_alone, 1);
  return wanted == HEAD_ALONE ? HEAD_ALONE : ALL;
}
