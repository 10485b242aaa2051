/* SPDX-License-Identifier: GPL-2.0 */
/* A program beside those of packets on a cgroup: what a socket has counted by itself, told when it closes. The kernel counts that
 * apart from any program, so that it shows whether packets have passed by those. */
#pragma once

#include "socket.bpf.h"

/* When a socket was opened (CLOCK_MONOTONIC, ns); the lowest bit is set where it was the one that connected. */
struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, __u64);
} opened SEC(".maps");

static __always_inline int is_traced_socket(const struct bpf_sock_ops *socket)
{
  __u32 zero = 0;
  const struct tap_settings *set = bpf_map_lookup_elem(&settings, &zero);
  if (!set) return 0;
  return set->all_ports || traced(socket->local_port, set) || traced(bpf_ntohl(socket->remote_port), set);
}

/* Asks for a call when it closes, too; what others have asked for stays. */
static __always_inline void note_opening(struct bpf_sock_ops *socket, int connects)
{
  struct bpf_sock *sk = socket->sk;
  if (!sk || !is_traced_socket(socket)) return;
  __u64 *at = bpf_sk_storage_get(&opened, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
  if (!at) return;
  *at = (bpf_ktime_get_ns() & ~1ULL) | connects;
  bpf_sock_ops_cb_flags_set(socket, socket->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
}

static __always_inline void set_socket_ends(struct tap_record *record, struct bpf_sock_ops *socket)
{
  if (socket->family == FAMILY_INET) {
    set_v4(record->source, socket->local_ip4);
    set_v4(record->destination, socket->remote_ip4);
  } else {
    for (int i = 0; i < 4; i++) {
      record->source[i] = socket->local_ip6[i];
      record->destination[i] = socket->remote_ip6[i];
    }
  }
  record->source_port = socket->local_port;
  record->destination_port = bpf_ntohl(socket->remote_port);
}

static __always_inline void tell_end(struct bpf_sock_ops *socket, __u32 point)
{
  struct bpf_sock *sk = socket->sk;
  if (!sk) return;
  __u64 *at = bpf_sk_storage_get(&opened, sk, 0, 0);
  /* Others may have asked for the call. */
  if (!at) return;
  struct tap_closed *slot = bpf_ringbuf_reserve(&ring, sizeof(*slot), 0);
  if (!slot) {
    struct tap_counters *counter = count();
    if (counter) add_to(&counter->lost_sockets, 1);
    return;
  }
  struct tap_record record = {.time_ns = bpf_ktime_get_ns(), .point = point, .direction = TAP_CLOSED};
  set_socket_ends(&record, socket);
  __u64 acked = socket->bytes_acked, received = socket->bytes_received;
  /* Half of a count is not to be had. */
  barrier_var(acked);
  barrier_var(received);
  slot->record = record;
  slot->opened_ns = *at & ~1ULL;
  slot->sent_until = socket->snd_una;
  /* The SYN of who connects is counted as a byte, that of who accepts is not. */
  slot->sent_from = slot->sent_until - (__u32)acked + (*at & 1);
  slot->received_until = socket->rcv_nxt;
  slot->received_from = slot->received_until - (__u32)received;
  bpf_ringbuf_submit(slot, BPF_RB_NO_WAKEUP);
}

SEC("sockops")
int tap_socket(struct bpf_sock_ops *socket)
{
  __u32 point = *(__u32 *)bpf_get_local_storage(&cgroups, 0);
  if (!point) return PASS;
  if (socket->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB) note_opening(socket, 1);
  if (socket->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB) note_opening(socket, 0);
  if (socket->op == BPF_SOCK_OPS_STATE_CB && socket->args[1] == BPF_TCP_CLOSE) tell_end(socket, point);
  return PASS;
}
