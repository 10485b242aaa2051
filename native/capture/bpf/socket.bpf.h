/* SPDX-License-Identifier: GPL-2.0 */
/* Programs on a cgroup: packets of its sockets, from the header of IP on, whatever network they take. */
#pragma once

#include "dialed.bpf.h"
#include "locate.bpf.h"
#include "stages.bpf.h"

#define PASS 1
/* As <sys/socket.h> and the kernel's tcp_states.h have them. */
#define FAMILY_INET 2
#define STATE_LISTEN 10

/* Which point a cgroup is; 0 until user space has said so. Those below it use that of the cgroup which the program is on. */
struct {
  __uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
  __type(key, __u64);
  __type(value, __u32);
} cgroups SEC(".maps");

static __always_inline void set_v4(__u32 *address, __u32 v4)
{
  /* Else the compiler picks an address where the verifier wants to see which field is read. */
  barrier_var(v4);
  address[0] = address[1] = 0;
  address[2] = bpf_htonl(0xffff);
  address[3] = v4;
}

/* A connected socket knows both ends as the application does. On the packet one direction alone may have that: iptables rewrites
 * what goes to a sidecar before the program sees it, and what comes back is as it was again by then. */
static __always_inline void set_ends(struct tap_record *record, const struct bpf_sock *socket)
{
  __u16 peer_port = bpf_ntohs(socket->dst_port), own_port = socket->src_port;
  if (socket->state == STATE_LISTEN || !peer_port || !own_port) return;
  int out = record->direction == TAP_FROM_POD;
  __u32 *own = out ? record->source : record->destination;
  __u32 *peer = out ? record->destination : record->source;
  if (socket->family == FAMILY_INET) {
    set_v4(own, socket->src_ip4);
    set_v4(peer, socket->dst_ip4);
  } else {
    for (int i = 0; i < 4; i++) {
      own[i] = socket->src_ip6[i];
      peer[i] = socket->dst_ip6[i];
    }
  }
  record->source_port = out ? own_port : peer_port;
  record->destination_port = out ? peer_port : own_port;
}

static __always_inline void observe_packet(struct __sk_buff *skb, enum tap_direction direction)
{
  struct work work = {};
  work.record.point = *(__u32 *)bpf_get_local_storage(&cgroups, 0);
  if (!work.record.point || !skb->sk) return;
  struct bpf_sock *socket = bpf_sk_fullsock(skb->sk);
  if (!socket) return;
  enum found found = locate_ip(skb, skb->protocol, 0, &work, IN_PLACE);
  /* What is in a tunnel has passed here before it came into that, or will behind it. */
  if (found == UNREADABLE) count_loss(TAP_UNREADABLE, 0);
  if (found == OTHER) count_other(work.protocol);
  if (found != FOUND) return;
  /* A raw socket sees what others have. */
  if (socket->type != (is_udp(&work) ? TYPE_DATAGRAM : TYPE_STREAM)) return;
  work.record.direction = direction;
  if (!read_transport(skb, &work, IN_PLACE)) return;
  set_ends(&work.record, socket);
  if (is_udp(&work)) set_datagram_peer(&work.record, socket);
  enum wanted wanted = take(&work);
  if (wanted == NOTHING) return;
  work.record.time_ns = bpf_ktime_get_ns();
  hand_up(skb, PACKET, &work, wanted);
  if (direction == TAP_FROM_POD && (work.record.tcp_flags & (FLAG_SYN | FLAG_ACK)) == FLAG_SYN) tell_dialed(&work.record, socket);
}

SEC("cgroup_skb/egress")
int tap_from_socket(struct __sk_buff *skb)
{
  observe_packet(skb, TAP_FROM_POD);
  return PASS;
}

SEC("cgroup_skb/ingress")
int tap_to_socket(struct __sk_buff *skb)
{
  observe_packet(skb, TAP_TO_POD);
  return PASS;
}
