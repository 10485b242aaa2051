/* SPDX-License-Identifier: GPL-2.0
 *
 * Copies TCP segments and UDP datagrams of traced ports from the host side of a pod's veth into a ring.
 * The programs only observe: the packet is not written to, and the chain always goes on.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "tap.h"

#define TCX_NEXT -1
#define TIME_MARK 0x636c7674
#define FLAG_FIN 0x01
#define FLAG_SYN 0x02
#define FLAG_RST 0x04
#define IP_OFFSET_MASK 0x1fff
#define IP_MORE 0x2000
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

/* Flows of which user space wants not everything. It tells again what fell out and still comes. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 16384);
  __type(key, struct tap_flow);
  __type(value, struct tap_verdict);
} verdicts SEC(".maps");

/* User space is woken when this much waits in the ring; else it looks by itself every few ms. */
const volatile __u64 wakeup_bytes = 4 * 1024 * 1024;

/* The packet in hand. The stages are global functions, each of which the verifier looks at once, and which have the packet and
 * this to share: nothing interrupts one packet for another on its CPU. */
struct work {
  struct tap_record record;
  __u32 transport; /* offset of the header of TCP or UDP */
  __u32 payload;   /* offset of what it carries */
  __u32 end;       /* offset behind the last byte that IP claims */
  __u32 udp;
  __u32 part;      /* the first part of a datagram that IP has cut */
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct work);
} works SEC(".maps");

static __always_inline struct work *work_of_cpu(void)
{
  __u32 zero = 0;
  return bpf_map_lookup_elem(&works, &zero);
}

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

/* Finds TCP or UDP behind IPv4. 1 = found, 0 = neither, -1 = cannot be read. Of a packet that IP has cut only the first part has
 * ports, and stands for all: of TCP it is a segment of its own, and the rest a hole in the stream. */
static __always_inline int locate_v4(struct __sk_buff *skb, __u32 offset, struct work *work)
{
  struct iphdr ip;
  if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)) < 0) return -1;
  if (ip.protocol != IPPROTO_TCP && ip.protocol != IPPROTO_UDP) return 0;
  if (ip.ihl < 5) return -1;
  __u16 part = bpf_ntohs(ip.frag_off);
  if (part & IP_OFFSET_MASK) return 0;
  work->part = !!(part & IP_MORE);
  /* The packet before may have been of IPv6. */
  work->record.source[0] = work->record.destination[0] = 0;
  work->record.source[1] = work->record.destination[1] = 0;
  work->record.source[2] = work->record.destination[2] = bpf_htonl(0xffff);
  work->record.source[3] = ip.saddr;
  work->record.destination[3] = ip.daddr;
  work->udp = ip.protocol == IPPROTO_UDP;
  work->transport = offset + ip.ihl * 4;
  /* BIG TCP leaves the length empty. */
  work->end = ip.tot_len ? offset + bpf_ntohs(ip.tot_len) : skb->len;
  return 1;
}

static __always_inline int locate_v6(struct __sk_buff *skb, __u32 offset, struct work *work)
{
  struct ipv6hdr ip;
  if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)) < 0) return -1;
  __u8 next = ip.nexthdr;
  work->part = 0;
  __u32 at = offset + sizeof(ip);
  work->end = ip.payload_len ? at + bpf_ntohs(ip.payload_len) : skb->len;
  __builtin_memcpy(work->record.source, &ip.saddr, sizeof(work->record.source));
  __builtin_memcpy(work->record.destination, &ip.daddr, sizeof(work->record.destination));
  for (int i = 0; i < MAX_EXTENSIONS; i++) {
    if (next == IPPROTO_TCP || next == IPPROTO_UDP) {
      work->udp = next == IPPROTO_UDP;
      work->transport = at;
      return 1;
    }
    if (next != HOP_BY_HOP && next != ROUTING && next != DESTINATION_OPTIONS && next != FRAGMENT)
      return 0;
    __u8 head[4];
    if (bpf_skb_load_bytes(skb, at, head, sizeof(head)) < 0) return -1;
    if (next == FRAGMENT) {
      __u32 part = head[2] << 8 | head[3];
      if (part & 0xfff8) return 0;
      work->part = part & 1;
      at += 8;
    } else {
      at += (head[1] + 1) * 8;
    }
    next = head[0];
  }
  return -1;
}

__noinline int locate(struct __sk_buff *skb)
{
  struct work *work = work_of_cpu();
  if (!work) return 0;
  __u32 offset = sizeof(struct ethhdr);
  __be16 protocol;
  if (bpf_skb_load_bytes(skb, offset - 2, &protocol, sizeof(protocol)) < 0) return 0;
  for (int i = 0; i < MAX_TAGS; i++) {
    if (protocol != bpf_htons(ETH_P_8021Q) && protocol != bpf_htons(ETH_P_8021AD)) break;
    offset += 4;
    if (bpf_skb_load_bytes(skb, offset - 2, &protocol, sizeof(protocol)) < 0) return 0;
  }
  if (protocol == bpf_htons(ETH_P_IP)) return locate_v4(skb, offset, work);
  if (protocol == bpf_htons(ETH_P_IPV6)) return locate_v6(skb, offset, work);
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

__noinline int copy_chunks(struct __sk_buff *skb)
{
  struct work *work = work_of_cpu();
  if (!work) return 0;
  struct tap_record *record = &work->record;
  __u32 from = work->payload, length = record->payload_length;
  /* A record holds whole datagrams; of one that is longer it has the beginning. */
  __u32 stride = TAP_CHUNK;
  __u32 each = record->datagram_length;
  if (each) stride = each > TAP_CHUNK ? each : TAP_CHUNK / each * each;
  __u32 missing = 0;
  int why = -1;
  for (int i = 0; i < TAP_MAX_CHUNKS; i++) {
    __u32 offset = i * stride;
    if (offset >= length) break;
    __u32 piece = length - offset;
    if (piece > stride) piece = stride;
    __u32 copied = piece > TAP_CHUNK ? TAP_CHUNK : piece;
    record->chunk_offset = offset;
    int cause = emit(skb, record, from + offset, copied, TAP_CHUNK);
    if (cause >= 0) {
      missing += piece;
      why = cause;
    }
  }
  if (why == TAP_RING_FULL) count_loss(TAP_RING_FULL, missing);
  else if (why >= 0) count_loss(TAP_UNREADABLE, missing);
  return 0;
}

__noinline int copy_at_once(struct __sk_buff *skb)
{
  struct work *work = work_of_cpu();
  if (!work) return 0;
  __u32 length = work->record.payload_length;
  int cause = emit_sized(skb, &work->record, work->payload, length);
  if (cause >= 0) count_loss(cause, length);
  return 0;
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
__noinline int is_wanted(struct __sk_buff *skb)
{
  struct work *work = work_of_cpu();
  struct tap_counters *counter = count();
  if (!work || !counter) return ALL;
  const struct tap_record *record = &work->record;
  struct tap_flow key = {.ifindex = skb->ifindex};
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
    counter->skipped_bytes[reason] += record->payload_length;
    counter->unwanted_segments++;
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
    counter->unwanted_segments++;
    return HEAD_ALONE;
  }
  /* It is behind the range, which would mean other bytes when they have wrapped around. */
  if (at - size < TAP_MAX_RANGE) verdict->until[record->direction & 1] = from;
  return ALL;
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
