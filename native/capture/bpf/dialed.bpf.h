/* SPDX-License-Identifier: GPL-2.0 */
/* Which address an application has connected a socket to, before a program of others makes another of it (load balancers of CNIs).
 * Programs of a cgroup come before those of the cgroups that it lies in. There is none at sendmsg(2): it would have each socket of the
 * node that is not connected take its lock for each datagram, and packets of threads that share one would not be told apart. */
#pragma once

#include "work.bpf.h"

/* As <sys/socket.h> has them. */
#define TYPE_STREAM 1
#define TYPE_DATAGRAM 2

struct dialed {
  __u32 address[4]; /* as in a record */
  __u32 port;       /* host order */
};

/* By socket. Of TCP until its SYN is sent. */
struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct dialed);
} dialed SEC(".maps");

static __always_inline void note_dialed(struct bpf_sock_addr *call, const struct dialed *to)
{
  struct bpf_sock *socket = call->sk;
  if (!socket || (call->type != TYPE_STREAM && call->type != TYPE_DATAGRAM)) return;
  /* No address is this host's own; and a socket that is connected stays so where the call fails. */
  __u32 host = to->address[3], mapped = to->address[2] & ~bpf_htonl(0xffff);
  if (!(to->address[0] | to->address[1] | mapped | host) || socket->dst_port) {
    bpf_sk_storage_delete(&dialed, socket);
    return;
  }
  struct dialed *noted = bpf_sk_storage_get(&dialed, socket, 0, BPF_SK_STORAGE_GET_F_CREATE);
  if (noted) *noted = *to;
}

#define GO_ON 1

SEC("cgroup/connect4")
int dial_v4(struct bpf_sock_addr *call)
{
  struct dialed to = {.address = {0, 0, bpf_htonl(0xffff), call->user_ip4}, .port = bpf_ntohs(call->user_port)};
  note_dialed(call, &to);
  return GO_ON;
}

SEC("cgroup/connect6")
int dial_v6(struct bpf_sock_addr *call)
{
  struct dialed to = {.port = bpf_ntohs(call->user_port)};
  to.address[0] = call->user_ip6[0];
  to.address[1] = call->user_ip6[1];
  to.address[2] = call->user_ip6[2];
  to.address[3] = call->user_ip6[3];
  note_dialed(call, &to);
  return GO_ON;
}

/* Datagrams of a socket that is connected have the address that this was named, in both directions. */
static __always_inline void set_datagram_peer(struct tap_record *record, struct bpf_sock *socket)
{
  if (!socket->dst_port) return;
  const struct dialed *to = bpf_sk_storage_get(&dialed, socket, 0, 0);
  if (!to) return;
  if (record->direction == TAP_FROM_POD) {
    __builtin_memcpy(record->destination, to->address, sizeof(to->address));
    record->destination_port = to->port;
  } else {
    __builtin_memcpy(record->source, to->address, sizeof(to->address));
    record->source_port = to->port;
  }
}

static __always_inline int goes_to(const struct tap_record *syn, const struct dialed *to)
{
  const __u32 *peer = syn->destination;
  return syn->destination_port == to->port && peer[3] == to->address[3] && peer[2] == to->address[2] &&
         peer[1] == to->address[1] && peer[0] == to->address[0];
}

/* Behind the SYN of a connection that goes elsewhere than the application has named. Where the ring is full its SYN is lost as well, which
 * is counted. */
static __always_inline void tell_dialed(const struct tap_record *syn, struct bpf_sock *socket)
{
  const struct dialed *to = bpf_sk_storage_get(&dialed, socket, 0, 0);
  if (!to) return;
  if (!goes_to(syn, to)) {
    struct tap_dialed *slot = bpf_ringbuf_reserve(&ring, sizeof(*slot), 0);
    if (!slot) return;
    slot->record = *syn;
    slot->record.direction = TAP_DIALED;
    __builtin_memcpy(slot->address, to->address, sizeof(slot->address));
    slot->port = to->port;
    slot->reserved = 0;
    bpf_ringbuf_submit(slot, BPF_RB_NO_WAKEUP);
  }
  bpf_sk_storage_delete(&dialed, socket);
}
