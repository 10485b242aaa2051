/* SPDX-License-Identifier: GPL-2.0 */
/* Which socket a session of TLS has: the thread that works at it sends what shows that. */
#pragma once

#include "socket.bpf.h"
#include "tls.bpf.h"

#define TLS_HANDSHAKE 22
#define TLS_DATA 23
#define TLS_CLIENT_HELLO 1
#define TLS_SERVER_HELLO 2
#define TLS_MAX_TEXT 16384
/* What encryption adds to a record at the most: initialisation vector, MAC and padding of TLS 1.2's oldest suites. */
#define TLS_MAX_OVERHEAD 96

/* Which session of the sending thread a packet shows to be its own, by the record that it begins with. */
static __always_inline enum tls_place told_by(const __u8 *head, const struct tls_call *call, const struct tls_session *session)
{
  __u32 length = head[3] << 8 | head[4];
  if (head[1] != 3) return TLS_NOWHERE;
  if (head[0] == TLS_HANDSHAKE) {
    __u8 hello = session->role == TLS_CLIENT ? TLS_CLIENT_HELLO : TLS_SERVER_HELLO;
    return session->role && head[5] == hello ? TLS_BY_HELLO : TLS_NOWHERE;
  }
  __u32 text = call->asked > TLS_MAX_TEXT ? TLS_MAX_TEXT : call->asked;
  int fits = head[0] == TLS_DATA && text && length > text && length <= text + TLS_MAX_OVERHEAD;
  return fits ? TLS_BY_RECORD : TLS_NOWHERE;
}

/* A library encrypts into a socket, or into memory that the same thread sends next. A packet that an interrupt sends in the midst of
 * that does not begin with the record that is looked for. */
SEC("cgroup_skb/egress")
int tls_socket(struct __sk_buff *skb)
{
  __u64 thread = bpf_get_current_task();
  struct tls_call *call = bpf_map_lookup_elem(&tls_calls, &thread);
  if (!call) return PASS;
  struct tls_session *session = bpf_map_lookup_elem(&tls_sessions, &call->key);
  if (!session || session->place == TLS_BY_RECORD) return PASS;
  struct bpf_sock *socket = skb->sk;
  if (socket) socket = bpf_sk_fullsock(socket);
  if (!socket || socket->type != TYPE_STREAM) return PASS;
  struct work work = {};
  work.record.direction = TAP_FROM_POD;
  if (locate_ip(skb, skb->protocol, 0, &work, IN_PLACE) != FOUND || is_udp(&work) || !read_transport(skb, &work, IN_PLACE)) return PASS;
  __u8 head[6];
  if (work.record.payload_length < sizeof(head) || bpf_skb_load_bytes(skb, work.payload, head, sizeof(head)) < 0) return PASS;
  enum tls_place place = told_by(head, call, session);
  if (place == TLS_NOWHERE) return PASS;
  set_ends(&work.record, socket);
  __builtin_memcpy(session->own, work.record.source, sizeof(session->own));
  __builtin_memcpy(session->peer, work.record.destination, sizeof(session->peer));
  session->own_port = work.record.source_port;
  session->peer_port = work.record.destination_port;
  session->place = place;
  return PASS;
}
