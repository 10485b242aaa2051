/* SPDX-License-Identifier: GPL-2.0 */
/* What is in IP in IP (RFC 2003, 2473, 4213) and in VXLAN (RFC 7348), as both pass an interface. */
#pragma once

#include <linux/udp.h>

#include "locate.bpf.h"

#define VXLAN_PORT 4789
#define VXLAN_HAS_ID 0x08

struct vxlan {
  struct udphdr udp;
  __u8 flags;
  __u8 zero[3];
  __u8 id[3];
  __u8 zero_too;
  struct ethhdr frame;
};

/* The type of what a datagram of VXLAN carries, and where that is. 0: it is none, but a datagram like any other. */
static __always_inline __be16 in_vxlan(struct __sk_buff *skb, __u32 *offset)
{
  struct vxlan head;
  if (bpf_skb_load_bytes(skb, *offset, &head, sizeof(head)) < 0) return 0;
  /* Not by its port alone. */
  if (head.udp.dest != bpf_htons(VXLAN_PORT) || head.flags != VXLAN_HAS_ID) return 0;
  if (head.zero[0] | head.zero[1] | head.zero[2] | head.zero_too) return 0;
  __u32 at = *offset + sizeof(head);
  __be16 type = behind_tags(skb, head.frame.h_proto, &at);
  if (type != bpf_htons(ETH_P_IP) && type != bpf_htons(ETH_P_IPV6)) return 0;
  *offset = at;
  return type;
}

/* Of what was found, what is in the tunnel that it may be. */
static __noinline int open_tunnel(struct __sk_buff *skb, struct work *work)
{
  enum found found = TUNNEL;
  for (int i = 0; i < TAP_MAX_TUNNELS; i++) {
    __u32 offset = work->transport;
    __be16 type = work->protocol == IPPROTO_IPIP   ? bpf_htons(ETH_P_IP)
                  : work->protocol == IPPROTO_IPV6 ? bpf_htons(ETH_P_IPV6)
                                                   : in_vxlan(skb, &offset);
    if (!type) return FOUND;
    found = locate_ip(skb, type, offset, work, BY_COPY);
    if (found != TUNNEL && (found != FOUND || work->protocol != IPPROTO_UDP)) return found;
  }
  return found == TUNNEL ? OTHER : found;
}

/* Whether what was found may be one, at little cost for what is none. */
static __always_inline int may_be_tunnel(struct __sk_buff *skb, const struct work *work, enum found found,
                                         const enum access access)
{
  if (found == TUNNEL) return 1;
  if (found != FOUND || work->protocol != IPPROTO_UDP) return 0;
  struct udphdr copy, *udp = header_at(skb, work->transport, &copy, sizeof(copy), access);
  return udp && udp->dest == bpf_htons(VXLAN_PORT);
}

/* Finds TCP or UDP in a frame of Ethernet. What is no IP is no packet at all. */
static __always_inline enum found locate(struct __sk_buff *skb, struct work *work, const enum access access)
{
  __u32 offset = sizeof(struct ethhdr);
  struct ethhdr copy, *frame = header_at(skb, 0, &copy, sizeof(copy), access);
  if (!frame) return OTHER;
  __be16 type = behind_tags(skb, frame->h_proto, &offset);
  enum found found = locate_ip(skb, type, offset, work, access);
  return may_be_tunnel(skb, work, found, access) ? open_tunnel(skb, work) : found;
}
