/* SPDX-License-Identifier: GPL-2.0 */
/* Which address an application has named, before anything is rewritten: by programs of others at its socket (load balancers of CNIs), or
 * on the way of what it sends. Programs of a cgroup come before those of the cgroups that it lies in, and before netfilter. */
#pragma once

#include "work.bpf.h"

/* As <sys/socket.h> has them. */
#define TYPE_STREAM 1
#define TYPE_DATAGRAM 2

/* An end as a record has it. */
struct end {
  __u32 address[4];
  __u32 port; /* host order */
};

struct dialed {
  struct end end;
  __u32 moved; /* datagrams have left for another one */
};

/* By socket: where it was connected to, or where its last datagram went. */
struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct dialed);
} dialed SEC(".maps");

struct moved_to {
  __u64 socket; /* its cookie */
  struct end end;
  __u32 unused;
};

/* What an application calls who sends it datagrams that it has sent elsewhere. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 2048);
  __type(key, struct moved_to);
  __type(value, struct end);
} moved SEC(".maps");

static __always_inline int is_end(const struct end *end, const __u32 *address, __u16 port)
{
  return end->port == port && end->address[3] == address[3] && end->address[2] == address[2] && end->address[1] == address[1] &&
         end->address[0] == address[0];
}

static __always_inline void note_dialed(struct bpf_sock_addr *call, const struct end *end)
{
  struct bpf_sock *socket = call->sk;
  if (!socket || (call->type != TYPE_STREAM && call->type != TYPE_DATAGRAM)) return;
  struct dialed *noted = bpf_sk_storage_get(&dialed, socket, 0, BPF_SK_STORAGE_GET_F_CREATE);
  if (noted) noted->end = *end;
}

static __always_inline void note_dialed_v4(struct bpf_sock_addr *call)
{
  struct end end = {.address = {0, 0, bpf_htonl(0xffff), call->user_ip4}, .port = bpf_ntohs(call->user_port)};
  note_dialed(call, &end);
}

static __always_inline void note_dialed_v6(struct bpf_sock_addr *call)
{
  struct end end = {.port = bpf_ntohs(call->user_port)};
  end.address[0] = call->user_ip6[0];
  end.address[1] = call->user_ip6[1];
  end.address[2] = call->user_ip6[2];
  end.address[3] = call->user_ip6[3];
  note_dialed(call, &end);
}

#define GO_ON 1

SEC("cgroup/connect4")
int dial_v4(struct bpf_sock_addr *call)
{
  note_dialed_v4(call);
  return GO_ON;
}

SEC("cgroup/connect6")
int dial_v6(struct bpf_sock_addr *call)
{
  note_dialed_v6(call);
  return GO_ON;
}

/* A connected socket that names another address for once keeps to that of its connection. */
SEC("cgroup/sendmsg4")
int send_v4(struct bpf_sock_addr *call)
{
  if (call->sk && !call->sk->dst_port) note_dialed_v4(call);
  return GO_ON;
}

SEC("cgroup/sendmsg6")
int send_v6(struct bpf_sock_addr *call)
{
  if (call->sk && !call->sk->dst_port) note_dialed_v6(call);
  return GO_ON;
}

static __always_inline void set_peer(struct tap_record *record, const struct end *end, int out)
{
  if (out) {
    __builtin_memcpy(record->destination, end->address, sizeof(end->address));
    record->destination_port = end->port;
  } else {
    __builtin_memcpy(record->source, end->address, sizeof(end->address));
    record->source_port = end->port;
  }
}

/* Datagrams in both directions are those between the socket's port and the address that the application has named: what is asked of one
 * may else seem to be answered by another. */
static __always_inline void set_datagram_ends(struct __sk_buff *skb, struct tap_record *record, struct bpf_sock *socket)
{
  struct dialed *noted = bpf_sk_storage_get(&dialed, socket, 0, 0);
  if (!noted) return;
  int out = record->direction == TAP_FROM_POD;
  /* Several that go to one address by redirection have ports of their own from there on. */
  __u16 own = socket->src_port;
  if (out && own) record->source_port = own;
  const __u32 *peer = out ? record->destination : record->source;
  __u16 port = out ? record->destination_port : record->source_port;
  if (socket->dst_port) {
    set_peer(record, &noted->end, out);
    return;
  }
  int same = is_end(&noted->end, peer, port);
  if (!noted->moved && (same || !out)) return;
  struct moved_to to = {.socket = bpf_get_socket_cookie(skb), .end.port = port};
  __builtin_memcpy(to.end.address, peer, sizeof(to.end.address));
  if (!out) {
    struct end *named = bpf_map_lookup_elem(&moved, &to);
    if (named) set_peer(record, named, out);
  } else if (same) {
    bpf_map_delete_elem(&moved, &to);
  } else {
    noted->moved = 1;
    bpf_map_update_elem(&moved, &to, &noted->end, BPF_ANY);
    set_peer(record, &noted->end, out);
  }
}

/* Behind the SYN of a connection that goes elsewhere than the application has named. Where the ring is full its SYN is lost as well, which
 * is counted. */
static __always_inline void tell_dialed(const struct tap_record *syn, struct bpf_sock *socket)
{
  struct dialed *noted = bpf_sk_storage_get(&dialed, socket, 0, 0);
  if (!noted || is_end(&noted->end, syn->destination, syn->destination_port)) return;
  struct tap_dialed *slot = bpf_ringbuf_reserve(&ring, sizeof(*slot), 0);
  if (!slot) return;
  slot->record = *syn;
  slot->record.direction = TAP_DIALED;
  __builtin_memcpy(slot->address, noted->end.address, sizeof(slot->address));
  slot->port = noted->end.port;
  slot->reserved = 0;
  bpf_ringbuf_submit(slot, BPF_RB_NO_WAKEUP);
}
