/* SPDX-License-Identifier: GPL-2.0
 *
 * Copies TCP segments and UDP datagrams of traced ports from the host side of a pod's veth into a ring.
 * The programs only observe: the packet is not written to, and the chain always goes on.
 */
#include <linux/tcp.h>
#include <linux/udp.h>

#include "emit.bpf.h"
#include "locate.bpf.h"
#include "wanted.bpf.h"

#define TCX_NEXT -1
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

/* 0 where the packet has nothing for user space, or cannot be read. */
static __always_inline int read_tcp(struct __sk_buff *skb, struct work *work)
{
  struct tcphdr tcp;
  if (bpf_skb_load_bytes(skb, work->transport, &tcp, sizeof(tcp)) < 0) {
    count_loss(TAP_UNREADABLE, 0);
    return 0;
  }
  struct tap_record *record = &work->record;
  __u32 from = work->transport + tcp.doff * 4;
  __u8 flags = ((__u8 *)&tcp)[13];
  __u32 length = work->end > from ? work->end - from : 0;
  if (!length && !(flags & (FLAG_SYN | FLAG_FIN | FLAG_RST))) return 0;
  work->payload = from;
  record->payload_length = length;
  record->datagram_length = 0;
  record->source_port = bpf_ntohs(tcp.source);
  record->destination_port = bpf_ntohs(tcp.dest);
  record->seq = bpf_ntohl(tcp.seq);
  record->ack = bpf_ntohl(tcp.ack_seq);
  record->tcp_flags = flags;
  return 1;
}

static __always_inline int read_udp(struct __sk_buff *skb, struct work *work)
{
  struct udphdr udp;
  if (bpf_skb_load_bytes(skb, work->transport, &udp, sizeof(udp)) < 0) {
    count_loss(TAP_UNREADABLE, 0);
    return 0;
  }
  struct tap_record *record = &work->record;
  __u32 from = work->transport + sizeof(udp);
  __u32 end = work->end;
  /* Of a jumbogram the length is 0 (RFC 2675). */
  __u32 claimed = work->transport + bpf_ntohs(udp.len);
  /* A part is counted as the whole datagram. */
  if (udp.len && (claimed < end || work->part)) end = claimed;
  __u32 length = end > from ? end - from : 0;
  if (!length) return 0;
  /* Datagrams that are not cut apart yet (UDP_SEGMENT, GRO). */
  __u32 each = skb->gso_segs > 1 ? skb->gso_size : 0;
  if (!each || each > length) each = length;
  work->payload = from;
  record->payload_length = length;
  record->datagram_length = each > 0xffff ? 0xffff : each;
  record->source_port = bpf_ntohs(udp.source);
  record->destination_port = bpf_ntohs(udp.dest);
  record->seq = record->ack = 0;
  record->tcp_flags = 0;
  return 1;
}

/* Whether user space is to have something of the packet. */
__noinline int read_transport(struct __sk_buff *skb)
{
  struct work *work = work_of_cpu();
  __u32 zero = 0;
  const struct tap_settings *set = bpf_map_lookup_elem(&settings, &zero);
  struct tap_counters *counter = count();
  if (!work || !set || !counter) return 0;
  struct tap_record *record = &work->record;
  /* Ethernet pads short frames, so that IP's own length is the true one. */
  if (work->end > skb->len) work->end = skb->len;
  if (work->udp ? !read_udp(skb, work) : !read_tcp(skb, work)) return 0;
  if (!set->all_ports && !traced(record->source_port, set) && !traced(record->destination_port, set))
    return 0;
  __u32 length = record->payload_length;
  counter->segments++;
  counter->payload_bytes += length;
  if (work->udp && work->part) {
    count_loss(TAP_FRAGMENT, length);
    return 0;
  }
  __u32 header = work->udp ? sizeof(struct udphdr) : sizeof(struct tcphdr);
  __u32 longest = work->udp ? 0xffff : TAP_MAX_PAYLOAD;
  if (work->payload >= work->transport + header && length <= longest) return 1;
  count_loss(TAP_UNREADABLE, length);
  return 0;
}

static __always_inline int observe(struct __sk_buff *skb, enum tap_direction direction)
{
  int found = locate(skb);
  if (found < 0) count_loss(TAP_UNREADABLE, 0);
  if (found <= 0) return TCX_NEXT;
  struct work *work = work_of_cpu();
  if (!work) return TCX_NEXT;
  work->record.ifindex = skb->ifindex;
  work->record.direction = direction;
  if (!read_transport(skb)) return TCX_NEXT;
  int wanted = is_wanted(skb);
  if (wanted == NOTHING) return TCX_NEXT;
  __u32 length = work->record.payload_length;
  work->record.chunk_offset = 0;
  work->record.time_ns = time_of(skb, direction);
  if (!length || wanted == HEAD_ALONE) {
    int cause = emit(skb, &work->record, 0, 0, 0);
    if (cause >= 0) count_loss(cause, length);
  } else if (length <= TAP_CHUNK) {
    copy_at_once(skb);
  } else {
    copy_chunks(skb);
  }
  return TCX_NEXT;
}

/* tcx ingress on the host side: what the pod sends. */
SEC("tc")
int tap_from_pod(struct __sk_buff *skb)
{
  return observe(skb, TAP_FROM_POD);
}

/* tcx egress on the host side: what goes to the pod. */
SEC("tc")
int tap_to_pod(struct __sk_buff *skb)
{
  return observe(skb, TAP_TO_POD);
}

char LICENSE[] SEC("license") = "GPL";
