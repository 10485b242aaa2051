/* SPDX-License-Identifier: GPL-2.0 */
/* The first stage: where TCP or UDP is in a frame. */
#pragma once

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "work.bpf.h"

#define IP_OFFSET_MASK 0x1fff
#define IP_MORE 0x2000
#define HOP_BY_HOP 0
#define ROUTING 43
#define FRAGMENT 44
#define DESTINATION_OPTIONS 60
/* Extension headers and VLAN tags that are followed before the packet counts as unreadable. */
#define MAX_EXTENSIONS 6
#define MAX_TAGS 2

/* Finds TCP or UDP behind IPv4. 1 = found, 0 = neither, -1 = cannot be read. Of a packet that IP has cut only the first part has
 * ports, and stands for all: of TCP it is a segment of its own, and the rest a hole in the stream. */
static __always_inline int locate_v4(struct __sk_buff *skb, __u32 offset, struct work *work,
                                     const enum access access)
{
  struct iphdr copy, *ip = header_at(skb, offset, &copy, sizeof(copy), access);
  if (!ip) return -1;
  if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP) return 0;
  if (ip->ihl < 5) return -1;
  __u16 part = bpf_ntohs(ip->frag_off);
  if (part & IP_OFFSET_MASK) return 0;
  work->part = !!(part & IP_MORE);
  /* The packet before may have been of IPv6. */
  work->record.source[0] = work->record.destination[0] = 0;
  work->record.source[1] = work->record.destination[1] = 0;
  work->record.source[2] = work->record.destination[2] = bpf_htonl(0xffff);
  work->record.source[3] = ip->saddr;
  work->record.destination[3] = ip->daddr;
  work->udp = ip->protocol == IPPROTO_UDP;
  work->transport = offset + ip->ihl * 4;
  /* BIG TCP leaves the length empty. */
  work->end = ip->tot_len ? offset + bpf_ntohs(ip->tot_len) : skb->len;
  return 1;
}

static __noinline int locate_v6(struct __sk_buff *skb, __u32 offset, struct work *work)
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

static __always_inline int locate_ip(struct __sk_buff *skb, __be16 protocol, __u32 offset,
                                     struct work *work, const enum access access)
{
  if (protocol == bpf_htons(ETH_P_IP)) return locate_v4(skb, offset, work, access);
  if (protocol == bpf_htons(ETH_P_IPV6)) return locate_v6(skb, offset, work);
  return 0;
}

/* The same in a frame of Ethernet. */
static __always_inline int locate(struct __sk_buff *skb, struct work *work,
                                  const enum access access)
{
  __u32 offset = sizeof(struct ethhdr);
  struct ethhdr copy, *frame = header_at(skb, 0, &copy, sizeof(copy), access);
  if (!frame) return 0;
  __be16 protocol = frame->h_proto;
  for (int i = 0; i < MAX_TAGS; i++) {
    if (protocol != bpf_htons(ETH_P_8021Q) && protocol != bpf_htons(ETH_P_8021AD)) break;
    offset += 4;
    if (bpf_skb_load_bytes(skb, offset - 2, &protocol, sizeof(protocol)) < 0) return 0;
  }
  return locate_ip(skb, protocol, offset, work, access);
}
