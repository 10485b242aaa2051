/* SPDX-License-Identifier: GPL-2.0 */
/* What the stages of the program share: its maps, and the packet in hand. */
#pragma once

#include <linux/bpf.h>
#include <linux/in.h>

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
  __uint(max_entries, 4096);
  __type(key, struct tap_flow);
  __type(value, struct tap_verdict);
} verdicts6 SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 16384);
  __type(key, struct tap_flow4);
  __type(value, struct tap_verdict);
} verdicts4 SEC(".maps");

const volatile struct tap_limits limits = {.wakeup_bytes = 4 * 1024 * 1024, .max_chunks = TAP_MAX_CHUNKS};

/* The packet in hand. It is on the stack: where a process sends, a packet that is received may interrupt the program on its CPU. */
struct work {
  struct tap_record record;
  __u32 transport; /* offset of what is behind the headers of IP */
  __u32 protocol;  /* which that is */
  __u32 payload;   /* offset of what it carries */
  __u32 end;       /* offset behind the last byte that IP claims */
  __u32 part;      /* the first part of a datagram that IP has cut */
};

/* In place of a protocol: a part of a packet that is not the first. */
#define FRAGMENT 44

static __always_inline int is_udp(const struct work *work)
{
  return work->protocol == IPPROTO_UDP;
}

/* The programs of packet sockets may not look into a packet. */
enum access { BY_COPY, IN_PLACE };
#define LONGEST_HEADERS 4096

/* Where a header is: in the packet, as it nearly always lies in one piece with the beginning, or else a copy of it. 0 where the
 * packet ends before it does. */
static __always_inline void *header_at(struct __sk_buff *skb, __u32 offset, void *copy, __u32 size,
                                       const enum access access)
{
  if (access == IN_PLACE && offset < LONGEST_HEADERS) {
    void *at = (void *)(long)skb->data + offset;
    /* Else the compiler adds up in an order in which the verifier does not see what is compared. */
    barrier_var(at);
    if (at + size <= (void *)(long)skb->data_end) return at;
  }
  return bpf_skb_load_bytes(skb, offset, copy, size) < 0 ? 0 : copy;
}

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

/* A packet in which there is nothing to be read. */
static __always_inline void count_other(__u32 protocol)
{
  struct tap_counters *counter = count();
  if (!counter) return;
  enum tap_other other = protocol == IPPROTO_SCTP     ? TAP_SCTP
                         : protocol == IPPROTO_GRE    ? TAP_GRE
                         : protocol == IPPROTO_ESP    ? TAP_ESP
                         : protocol == FRAGMENT       ? TAP_LATER_FRAGMENT
                         : protocol == IPPROTO_IPIP || protocol == IPPROTO_IPV6 ? TAP_NESTED
                                                      : TAP_OTHER_PROTOCOL;
  add_to(&counter->others[other], 1);
}

static __always_inline int traced(__u16 port, const struct tap_settings *set)
{
  return (set->ports[port >> 6] >> (port & 63)) & 1;
}
