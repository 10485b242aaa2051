/* SPDX-License-Identifier: GPL-2.0 */
/* The first stage: where TCP or UDP is in a frame. */
#pragma once

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "work.bpf.h"

#define IP_OFFSET_MASK 0x1fff
#define IP_MORE 0x2000
#define HOP_BY_HOP 0
#define ROUTING 43
#define DESTINATION_OPTIONS 60
/* Extension headers and VLAN tags that are followed before the packet counts as unreadable. */
#define MAX_EXTENSIONS 6
#define MAX_TAGS 2

/* What is behind a header of IP: TCP or UDP, another IP, something else, or nobody can tell. */
enum found { UNREADABLE = -1, OTHER = 0, FOUND = 1, TUNNEL = 2 };

static __always_inline enum found kind_of(__u32 protocol)
{
  if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) return FOUND;
  return protocol == IPPROTO_IPIP || protocol == IPPROTO_IPV6 ? TUNNEL : OTHER;
}

/* Of a packet that IP has cut only the first part has ports, and stands for all: of TCP it is a segment of its own, and the rest a
 * hole in the stream. */
static __always_inline enum found locate_v4(struct __sk_buff *skb, __u32 offset, struct work *work,
                                            const enum access access)
{
  struct iphdr copy, *ip = header_at(skb, offset, &copy, sizeof(copy), access);
  if (!ip) return UNREADABLE;
  __u16 part = bpf_ntohs(ip->frag_off);
  work->protocol = part & IP_OFFSET_MASK ? FRAGMENT : ip->protocol;
  enum found found = kind_of(work->protocol);
  if (found == OTHER) return OTHER;
  if (ip->ihl < 5) return UNREADABLE;
  work->part |= !!(part & IP_MORE);
  /* The header before may have been of IPv6. */
  work->record.source[0] = work->record.destination[0] = 0;
  work->record.source[1] = work->record.destination[1] = 0;
  work->record.source[2] = work->record.destination[2] = bpf_htonl(0xffff);
  work->record.source[3] = ip->saddr;
  work->record.destination[3] = ip->daddr;
  work->transport = offset + ip->ihl * 4;
  /* BIG TCP leaves the length empty. */
  work->end = ip->tot_len ? offset + bpf_ntohs(ip->tot_len) : skb->len;
  return found;
}

static __noinline int locate_v6(struct __sk_buff *skb, __u32 offset, struct work *work)
{
  struct ipv6hdr ip;
  if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)) < 0) return UNREADABLE;
  __u8 next = ip.nexthdr;
  __u32 at = offset + sizeof(ip);
  work->end = ip.payload_len ? at + bpf_ntohs(ip.payload_len) : skb->len;
  __builtin_memcpy(work->record.source, &ip.saddr, sizeof(work->record.source));
  __builtin_memcpy(work->record.destination, &ip.daddr, sizeof(work->record.destination));
  for (int i = 0; i < MAX_EXTENSIONS; i++) {
    work->protocol = next;
    work->transport = at;
    enum found found = kind_of(next);
    if (found != OTHER) return found;
    if (next != HOP_BY_HOP && next != ROUTING && next != DESTINATION_OPTIONS && next != FRAGMENT)
      return OTHER;
    __u8 head[4];
    if (bpf_skb_load_bytes(skb, at, head, sizeof(head)) < 0) return UNREADABLE;
    if (next == FRAGMENT) {
      __u32 part = head[2] << 8 | head[3];
      if (part & 0xfff8) return OTHER;
      work->part |= part & 1;
      at += 8;
    } else {
      at += (head[1] + 1) * 8;
    }
    next = head[0];
  }
  return UNREADABLE;
}

static __always_inline enum found locate_ip(struct __sk_buff *skb, __be16 type, __u32 offset,
                                            struct work *work, const enum access access)
{
  if (type == bpf_htons(ETH_P_IP)) return locate_v4(skb, offset, work, access);
  if (type == bpf_htons(ETH_P_IPV6)) return locate_v6(skb, offset, work);
  return OTHER;
}

/* What a frame of Ethernet carries, whose type is given, behind its tags; `offset` goes on to that. 0: it is cut off. */
static __always_inline __be16 behind_tags(struct __sk_buff *skb, __be16 type, __u32 *offset)
{
  for (int i = 0; i < MAX_TAGS; i++) {
    if (type != bpf_htons(ETH_P_8021Q) && type != bpf_htons(ETH_P_8021AD)) break;
    *offset += 4;
    if (bpf_skb_load_bytes(skb, *offset - sizeof(type), &type, sizeof(type)) < 0) return 0;
  }
  return type;
}
