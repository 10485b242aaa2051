/* SPDX-License-Identifier: GPL-2.0 */
/* What the stages of the program share: its maps, and the packet in hand. */
#pragma once

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "tap.h"

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 64 * 1024 * 1024); /* the loader sets it */
} ring SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct tap_counters);
} counters SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct tap_settings);
} settings SEC(".maps");

/* Flows of which user space wants not everything. It tells again what fell out and still comes. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 16384);
  __type(key, struct tap_flow);
  __type(value, struct tap_verdict);
} verdicts SEC(".maps");

const volatile struct tap_limits limits = {.wakeup_bytes = 4 * 1024 * 1024, .max_chunks = TAP_MAX_CHUNKS};

/* The packet in hand. It is on the stack: where a process sends, a packet that is received may interrupt the program on its CPU. */
struct work {
  struct tap_record record;
  __u32 transport; /* offset of the header of TCP or UDP */
  __u32 payload;   /* offset of what it carries */
  __u32 end;       /* offset behind the last byte that IP claims */
  __u32 udp;
  __u32 part;      /* the first part of a datagram that IP has cut */
};

static __always_inline struct tap_counters *count(void)
{
  __u32 zero = 0;
  return bpf_map_lookup_elem(&counters, &zero);
}

/* Atomic for the interrupts of its own CPU. */
static __always_inline void add_to(__u64 *counter, __u64 n)
{
  /* Of adding a constant 0 clang makes an atomic OR, which Linux before 5.12 does not know. */
  if (n) __sync_fetch_and_add(counter, n);
}

static __always_inline void count_loss(enum tap_cause cause, __u64 bytes)
{
  struct tap_counters *counter = count();
  if (!counter) return;
  add_to(&counter->lost_segments[cause], 1);
  add_to(&counter->lost_bytes[cause], bytes);
}

static __always_inline int traced(__u16 port, const struct tap_settings *set)
{
  return (set->ports[port >> 6] >> (port & 63)) & 1;
}
