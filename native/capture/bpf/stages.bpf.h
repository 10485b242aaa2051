/* SPDX-License-Identifier: GPL-2.0 */
/* The stages in their order, from a packet to what user space gets of it. */
#pragma once

#include <linux/tcp.h>
#include <linux/udp.h>

#include "emit.bpf.h"
#include "wanted.bpf.h"

/* 0 where the packet has nothing for user space, or cannot be read. */
static __always_inline int read_tcp(struct __sk_buff *skb, struct work *work, const enum access access)
{
  struct tcphdr copy, *tcp = header_at(skb, work->transport, &copy, sizeof(copy), access);
  if (!tcp) {
    count_loss(TAP_UNREADABLE, 0);
    return 0;
  }
  struct tap_record *record = &work->record;
  __u32 from = work->transport + tcp->doff * 4;
  __u8 flags = ((__u8 *)tcp)[13];
  __u32 length = work->end > from ? work->end - from : 0;
  if (!length && !(flags & (FLAG_SYN | FLAG_FIN | FLAG_RST))) return 0;
  work->payload = from;
  record->payload_length = length;
  record->datagram_length = 0;
  record->source_port = bpf_ntohs(tcp->source);
  record->destination_port = bpf_ntohs(tcp->dest);
  record->seq = bpf_ntohl(tcp->seq);
  record->ack = bpf_ntohl(tcp->ack_seq);
  record->tcp_flags = flags;
  return 1;
}

static __always_inline int read_udp(struct __sk_buff *skb, struct work *work, const enum access access)
{
  struct udphdr copy, *udp = header_at(skb, work->transport, &copy, sizeof(copy), access);
  if (!udp) {
    count_loss(TAP_UNREADABLE, 0);
    return 0;
  }
  struct tap_record *record = &work->record;
  __u32 from = work->transport + sizeof(*udp);
  __u32 end = work->end;
  /* Of a jumbogram the length is 0 (RFC 2675). */
  __u32 claimed = work->transport + bpf_ntohs(udp->len);
  /* A part is counted as the whole datagram. */
  if (udp->len && (claimed < end || work->part)) end = claimed;
  __u32 length = end > from ? end - from : 0;
  if (!length) return 0;
  /* Datagrams that are not cut apart yet (UDP_SEGMENT, GRO). */
  __u32 each = skb->gso_segs > 1 ? skb->gso_size : 0;
  if (!each || each > length) each = length;
  work->payload = from;
  record->payload_length = length;
  record->datagram_length = each > 0xffff ? 0xffff : each;
  record->source_port = bpf_ntohs(udp->source);
  record->destination_port = bpf_ntohs(udp->dest);
  record->seq = record->ack = 0;
  record->tcp_flags = 0;
  return 1;
}

/* Whether the packet has something for user space at all. */
static __always_inline int read_transport(struct __sk_buff *skb, struct work *work,
                                          const enum access access)
{
  /* Ethernet pads short frames, so that IP's own length is the true one. */
  if (work->end > skb->len) work->end = skb->len;
  return is_udp(work) ? read_udp(skb, work, access) : read_tcp(skb, work, access);
}

/* Why a packet of a traced port cannot be read, or -1. */
static __always_inline int fault_of(const struct work *work)
{
  if (is_udp(work) && work->part) return TAP_FRAGMENT;
  __u32 header = is_udp(work) ? sizeof(struct udphdr) : sizeof(struct tcphdr);
  __u32 longest = is_udp(work) ? 0xffff : TAP_MAX_PAYLOAD;
  int whole = work->payload >= work->transport + header && work->record.payload_length <= longest;
  return whole ? -1 : TAP_UNREADABLE;
}

/* What user space is to have of the packet: nothing of those whose ports are not traced, or that cannot be read. */
static __always_inline enum wanted take(struct work *work)
{
  __u32 zero = 0;
  const struct tap_settings *set = bpf_map_lookup_elem(&settings, &zero);
  struct tap_counters *counter = count();
  if (!set || !counter) return NOTHING;
  struct tap_record *record = &work->record;
  if (!set->all_ports && !traced(record->source_port, set) && !traced(record->destination_port, set))
    return NOTHING;
  int fault = fault_of(work);
  if (fault < 0) return is_wanted(record, counter);
  add_to(&counter->segments, 1);
  add_to(&counter->payload_bytes, record->payload_length);
  count_loss(fault, record->payload_length);
  return NOTHING;
}

/* Hands up what is wanted of a traced packet, or of plain text. */
static __always_inline void hand_up(void *source, enum origin origin, struct work *work, enum wanted wanted)
{
  __u32 length = work->record.payload_length;
  work->record.chunk_offset = 0;
  if (!length || wanted == HEAD_ALONE) {
    int cause = emit(source, origin, &work->record, 0, 0, 0);
    if (cause >= 0) count_loss(cause, length);
  } else if (length <= TAP_CHUNK) {
    copy_at_once(source, origin, work);
  } else {
    copy_chunks(source, origin, work);
  }
}
