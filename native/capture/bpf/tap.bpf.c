/* SPDX-License-Identifier: GPL-2.0
 *
 * Copies TCP segments of traced ports from the host side of a pod's veth into a ring.
 * The programs only observe: the packet is not written to, and the chain always goes on.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "tap.h"

#define TCX_NEXT -1
#define TIME_MARK 0x636c7674
#define FLAG_FIN 0x01
#define FLAG_SYN 0x02
#define FLAG_RST 0x04
#define IP_OFFSET_MASK 0x1fff
#define HOP_BY_HOP 0
#define ROUTING 43
#define FRAGMENT 44
#define DESTINATION_OPTIONS 60
/* Extension headers and VLAN tags that are followed before the packet counts as unreadable. */
#define MAX_EXTENSIONS 6
#define MAX_TAGS 2

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

/* User space is woken when this much waits in the ring; else it looks by itself every few ms. */
const volatile __u64 wakeup_bytes = 4 * 1024 * 1024;

struct place {
  __u32 tcp;   /* offset of the TCP header */
  __u32 end;   /* offset behind the last byte that IP claims */
};

static __always_inline struct tap_counters *count(void)
{
  __u32 zero = 0;
  return bpf_map_lookup_elem(&counters, &zero);
}

static __always_inline void count_loss(enum tap_cause cause, __u64 bytes)
{
  struct tap_counters *counter = count();
  if (!counter) return;
  counter->lost_segments[cause]++;
  counter->lost_bytes[cause] += bytes;
}

static __always_inline int traced(__u16 port, const struct tap_settings *set)
{
  return (set->ports[port >> 6] >> (port & 63)) & 1;
}

/* Finds TCP behind IPv4. 1 = found, 0 = not TCP, -1 = cannot be read. */
static __always_inline int locate_v4(struct __sk_buff *skb, __u32 offset, struct tap_record *record,
                                     struct place *place)
{
  struct iphdr ip;
  if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)) < 0) return -1;
  if (ip.protocol != IPPROTO_TCP) return 0;
  if (ip.ihl < 5) return -1;
  if (ip.frag_off & bpf_htons(IP_OFFSET_MASK)) {
    count_loss(TAP_FRAGMENT, 0);
    return 0;
  }
  record->source[2] = record->destination[2] = bpf_htonl(0xffff);
  record->source[3] = ip.saddr;
  record->destination[3] = ip.daddr;
  place->tcp = offset + ip.ihl * 4;
  /* BIG TCP leaves the length empty. */
  place->end = ip.tot_len ? offset + bpf_ntohs(ip.tot_len) : skb->len;
  return 1;
}

static __always_inline int locate_v6(struct __sk_buff *skb, __u32 offset, struct tap_record *record,
                                     struct place *place)
{
  struct ipv6hdr ip;
  if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)) < 0) return -1;
  __u8 next = ip.nexthdr;
  __u32 at = offset + sizeof(ip);
  place->end = ip.payload_len ? at + bpf_ntohs(ip.payload_len) : skb->len;
  __builtin_memcpy(record->source, &ip.saddr, sizeof(record->source));
  __builtin_memcpy(record->destination, &ip.daddr, sizeof(record->destination));
  for (int i = 0; i < MAX_EXTENSIONS; i++) {
    if (next == IPPROTO_TCP) {
      place->tcp = at;
      return 1;
    }
    if (next != HOP_BY_HOP && next != ROUTING && next != DESTINATION_OPTIONS && next != FRAGMENT)
      return 0;
    __u8 head[4];
    if (bpf_skb_load_bytes(skb, at, head, sizeof(head)) < 0) return -1;
    if (next == FRAGMENT) {
      if (head[2] || (head[3] & 0xf8)) {
        if (head[0] == IPPROTO_TCP) count_loss(TAP_FRAGMENT, 0);
        return 0;
      }
      at += 8;
    } else {
      at += (head[1] + 1) * 8;
    }
    next = head[0];
  }
  return -1;
}

static __always_inline int locate(struct __sk_buff *skb, struct tap_record *record,
                                  struct place *place)
{
  __u32 offset = sizeof(struct ethhdr);
  __be16 protocol;
  if (bpf_skb_load_bytes(skb, offset - 2, &protocol, sizeof(protocol)) < 0) return 0;
  for (int i = 0; i < MAX_TAGS; i++) {
    if (protocol != bpf_htons(ETH_P_8021Q) && protocol != bpf_htons(ETH_P_8021AD)) break;
    offset += 4;
    if (bpf_skb_load_bytes(skb, offset - 2, &protocol, sizeof(protocol)) < 0) return 0;
  }
  if (protocol == bpf_htons(ETH_P_IP)) return locate_v4(skb, offset, record, place);
  if (protocol == bpf_htons(ETH_P_IPV6)) return locate_v6(skb, offset, record, place);
  return 0;
}

/* Sends one piece in a slot of a fixed size: one copy only, where bpf_ringbuf_output needs two. */
static __always_inline int emit(struct __sk_buff *skb, const struct tap_record *record, __u32 from,
                                __u32 length, const __u32 room)
{
  struct tap_record *slot = bpf_ringbuf_reserve(&ring, sizeof(*slot) + room, 0);
  if (!slot) return TAP_RING_FULL;
  *slot = *record;
  slot->chunk_length = length;
  if (room) {
    /* It is so already: this only shows it to the verifier. */
    __u64 fits = length;
    barrier_var(fits);
    if (fits < 1 || fits > room || bpf_skb_load_bytes(skb, from, slot + 1, fits) < 0) {
      bpf_ringbuf_discard(slot, BPF_RB_NO_WAKEUP);
      return TAP_UNREADABLE;
    }
  }
  __u64 waiting = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);
  __u64 crossing = waiting >= wakeup_bytes && waiting < wakeup_bytes + 2 * TAP_CHUNK;
  bpf_ringbuf_submit(slot, crossing ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
  return -1;
}

/* The ring holds what a starved reader has not taken: slots fit, also for one MSS of Ethernet. */
static __always_inline int emit_sized(struct __sk_buff *skb, const struct tap_record *record,
                                      __u32 from, __u32 length)
{
  if (length <= 128) return emit(skb, record, from, length, 128);
  if (length <= 256) return emit(skb, record, from, length, 256);
  if (length <= 512) return emit(skb, record, from, length, 512);
  if (length <= 1024) return emit(skb, record, from, length, 1024);
  if (length <= 1536) return emit(skb, record, from, length, 1536);
  if (length <= 2048) return emit(skb, record, from, length, 2048);
  if (length <= 4096) return emit(skb, record, from, length, 4096);
  if (length <= 8192) return emit(skb, record, from, length, 8192);
  return emit(skb, record, from, length, TAP_CHUNK);
}

static __always_inline int copy(struct __sk_buff *skb, struct tap_record *record, __u32 from)
{
  __u32 length = record->payload_length;
  if (length == 0) {
    int cause = emit(skb, record, from, 0, 0);
    if (cause >= 0) count_loss(cause, 0);
    return TCX_NEXT;
  }
  if (length <= TAP_CHUNK) {
    int cause = emit_sized(skb, record, from, length);
    if (cause >= 0) count_loss(cause, length);
    return TCX_NEXT;
  }
  __u32 missing = 0;
  int why = -1;
  for (int i = 0; i < TAP_MAX_CHUNKS; i++) {
    __u32 offset = i * TAP_CHUNK;
    if (offset >= length) break;
    __u32 piece = length - offset;
    if (piece > TAP_CHUNK) piece = TAP_CHUNK;
    record->chunk_offset = offset;
    int cause = emit(skb, record, from + offset, piece, TAP_CHUNK);
    if (cause >= 0) {
      missing += piece;
      why = cause;
    }
  }
  if (why == TAP_RING_FULL) count_loss(TAP_RING_FULL, missing);
  else if (why >= 0) count_loss(TAP_UNREADABLE, missing);
  return TCX_NEXT;
}

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

static __always_inline int observe(struct __sk_buff *skb, enum tap_direction direction)
{
  struct tap_record record = {};
  struct place place = {};
  int found = locate(skb, &record, &place);
  if (found < 0) count_loss(TAP_UNREADABLE, 0);
  if (found <= 0) return TCX_NEXT;

  struct tcphdr tcp;
  if (bpf_skb_load_bytes(skb, place.tcp, &tcp, sizeof(tcp)) < 0) {
    count_loss(TAP_UNREADABLE, 0);
    return TCX_NEXT;
  }
  __u32 from = place.tcp + tcp.doff * 4;
  /* Ethernet pads short frames, so that IP's own length is the true one. */
  __u32 end = place.end < skb->len ? place.end : skb->len;
  __u32 length = end > from ? end - from : 0;
  __u8 flags = ((__u8 *)&tcp)[13];
  if (length == 0 && !(flags & (FLAG_SYN | FLAG_FIN | FLAG_RST))) return TCX_NEXT;

  __u32 zero = 0;
  const struct tap_settings *set = bpf_map_lookup_elem(&settings, &zero);
  if (!set) return TCX_NEXT;
  record.source_port = bpf_ntohs(tcp.source);
  record.destination_port = bpf_ntohs(tcp.dest);
  if (!set->all_ports && !traced(record.source_port, set) && !traced(record.destination_port, set))
    return TCX_NEXT;

  struct tap_counters *counter = count();
  if (counter) {
    counter->segments++;
    counter->payload_bytes += length;
  }
  if (tcp.doff < 5 || length > TAP_MAX_PAYLOAD) {
    count_loss(TAP_UNREADABLE, length);
    return TCX_NEXT;
  }
  record.time_ns = time_of(skb, direction);
  record.ifindex = skb->ifindex;
  record.seq = bpf_ntohl(tcp.seq);
  record.ack = bpf_ntohl(tcp.ack_seq);
  record.payload_length = length;
  record.tcp_flags = flags;
  record.direction = direction;
  return copy(skb, &record, from);
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
