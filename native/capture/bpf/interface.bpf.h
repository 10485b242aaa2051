/* SPDX-License-Identifier: GPL-2.0 */
/* Programs on the host side of a pod's veth: frames, whose direction is that of the hook. */
#pragma once

#include <linux/if_packet.h>

#include "stages.bpf.h"
#include "tunnel.bpf.h"

/* For the chain of tcx what it is for that of a qdisc (TC_ACT_UNSPEC): the next program has its say. */
#define NEXT -1
#define TIME_MARK 0x636c7674

/* Two agents on one interface, as in a handover, have to agree on when a packet passed: the first one notes it for the next, in
 * the scratch space that programs of the chain have. It means nothing elsewhere. */
static __always_inline __u64 time_of(struct __sk_buff *skb, enum tap_direction direction)
{
  __u32 mark = TIME_MARK ^ (skb->ifindex << 1 | direction);
  if (skb->cb[4] == mark) return (__u64)skb->cb[3] << 32 | skb->cb[2];
  __u64 now = bpf_ktime_get_ns();
  skb->cb[2] = (__u32)now;
  skb->cb[3] = now >> 32;
  skb->cb[4] = mark;
  return now;
}

static __always_inline int observe_frame(struct __sk_buff *skb, enum tap_direction direction,
                                         const enum access access)
{
  struct work work = {};
  enum found found = locate(skb, &work, access);
  if (found == UNREADABLE) count_loss(TAP_UNREADABLE, 0);
  if (found == OTHER && work.protocol) count_other(work.protocol);
  if (found != FOUND) return NEXT;
  work.record.point = skb->ifindex;
  work.record.direction = direction;
  if (!read_transport(skb, &work, access)) return NEXT;
  enum wanted wanted = take(&work);
  if (wanted == NOTHING) return NEXT;
  work.record.time_ns = time_of(skb, direction);
  hand_up(skb, PACKET, &work, wanted);
  return NEXT;
}

/* When user space was alive the last time, by CLOCK_MONOTONIC: filters of a qdisc outlive it. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} heartbeat SEC(".maps");

static __always_inline int is_alive(void)
{
  __u32 zero = 0;
  __u64 *beat = bpf_map_lookup_elem(&heartbeat, &zero);
  return beat && (__s64)(bpf_ktime_get_ns() - *beat) < (__s64)TAP_ALIVE_NS;
}

/* Ingress on the host side: what the pod sends. */
SEC("tc")
int tap_from_pod(struct __sk_buff *skb)
{
  return observe_frame(skb, TAP_FROM_POD, IN_PLACE);
}

/* Egress on the host side: what goes to the pod. */
SEC("tc")
int tap_to_pod(struct __sk_buff *skb)
{
  return observe_frame(skb, TAP_TO_POD, IN_PLACE);
}

SEC("tc")
int tap_from_qdisc(struct __sk_buff *skb)
{
  return is_alive() ? observe_frame(skb, TAP_FROM_POD, IN_PLACE) : NEXT;
}

SEC("tc")
int tap_to_qdisc(struct __sk_buff *skb)
{
  return is_alive() ? observe_frame(skb, TAP_TO_POD, IN_PLACE) : NEXT;
}

/* On a packet socket, which gets copies of both directions and is to keep none. */
SEC("socket")
int tap_packet(struct __sk_buff *skb)
{
  observe_frame(skb, skb->pkt_type == PACKET_OUTGOING ? TAP_TO_POD : TAP_FROM_POD, BY_COPY);
  return 0;
}
