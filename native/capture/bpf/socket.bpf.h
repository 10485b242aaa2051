/* SPDX-License-Identifier: GPL-2.0 */
/* Programs on a cgroup: packets of its sockets, from the header of IP on, whatever network they take. */
#pragma once

#include "locate.bpf.h"
#include "stages.bpf.h"

#define PASS 1
/* As <sys/socket.h> and the kernel's tcp_states.h have them. */
#define FAMILY_INET 2
#define TYPE_STREAM 1
#define TYPE_DATAGRAM 2
#define STATE_LISTEN 10

/* Which point a cgroup is; 0 until user space has said so. Those below it use that of the cgroup which the program is on. */
struct {
  __uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
  __type(key, __u64);
  __type(value, __u32);
} cgroups SEC(".maps");

static __always_inline void set_end(__u32 *address, const struct bpf_sock *socket, __u32 v4, const __u32 *v6)
{
  int is_v4 = socket->family == FAMILY_INET;
  address[0] = is_v4 ? 0 : v6[0];
  address[1] = is_v4 ? 0 : v6[1];
  address[2] = is_v4 ? bpf_htonl(0xffff) : v6[2];
  address[3] = is_v4 ? v4 : v6[3];
}

/* A connected socket knows both ends as the application does. On the packet one direction alone may have that: iptables rewrites
 * what goes to a sidecar before the program sees it, and what comes back is as it was again by then. */
static __always_inline void set_ends(struct tap_record *record, const struct bpf_sock *socket)
{
  __u16 peer_port = bpf_ntohs(socket->dst_port), own_port = socket->src_port;
  if (socket->state == STATE_LISTEN || !peer_port || !own_port) return;
  __u32 own4 = socket->src_ip4, peer4 = socket->dst_ip4;
  __u32 own6[] = {socket->src_ip6[0], socket->src_ip6[1], socket->src_ip6[2], socket->src_ip6[3]};
  __u32 peer6[] = {socket->dst_ip6[0], socket->dst_ip6[1], socket->dst_ip6[2], socket->dst_ip6[3]};
  /* Else the compiler picks an address where the verifier wants to see which field is read. */
  barrier_var(own4);
  barrier_var(peer4);
  barrier_var(own6[3]);
  barrier_var(peer6[3]);
  int out = record->direction == TAP_FROM_POD;
  set_end(out ? record->source : record->destination, socket, own4, own6);
  set_end(out ? record->destination : record->source, socket, peer4, peer6);
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
  int found = locate_ip(skb, skb->protocol, 0, &work);
  if (found < 0) count_loss(TAP_UNREADABLE, 0);
  if (found <= 0) return;
  /* A raw socket sees what others have. */
  if (socket->type != (work.udp ? TYPE_DATAGRAM : TYPE_STREAM)) return;
  work.record.direction = direction;
  if (!read_transport(skb, &work)) return;
  set_ends(&work.record, socket);
  if (!is_traced(&work)) return;
  enum wanted wanted = is_wanted(&work.record);
  if (wanted == NOTHING) return;
  work.record.time_ns = bpf_ktime_get_ns();
  hand_up(skb, &work, wanted);
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
