/* SPDX-License-Identifier: GPL-2.0 */
/* Programs at the functions of a TLS library in a process: its plain text, as a stream of which the library's own calls count the bytes.
 * They are loaded when the first process is to be read. */
#pragma once

#include <asm/ptrace.h>

/* Whose header that is: bpf_tracing.h wants to be told. */
#ifdef PSR_MODE_EL0t
#define __TARGET_ARCH_arm64
#else
#define __TARGET_ARCH_x86
#endif
#include <bpf/bpf_tracing.h>

#include "stages.bpf.h"

/* As a process knows a session: by the address of the library's object (`SSL *`). */
struct tls_key {
  __u64 object;
  __u32 process;
  __u32 reserved;
};

enum tls_role { TLS_UNKNOWN, TLS_CLIENT, TLS_SERVER };

/* What tells the socket of a session, the later the better: the first message of a handshake, or a record of the size that was written. */
enum tls_place { TLS_NOWHERE, TLS_BY_HELLO, TLS_BY_RECORD };

struct tls_session {
  __u64 id;
  __u32 own[4]; /* addresses and ports as in a record, once `place` says so */
  __u32 peer[4];
  __u16 own_port;
  __u16 peer_port;
  __u32 next[2]; /* sequence numbers, by direction */
  __u8 role;     /* unknown: it was there before this program */
  __u8 place;
  __u8 told;    /* user space has had something of it */
  __u8 busy[2]; /* a call has begun and not returned, by direction */
  __u8 reserved[3];
};

/* What a thread does, or has done last, with a TLS library. */
struct tls_call {
  struct tls_key key;
  __u64 buffer;
  __u64 size_at; /* where the library says how many bytes it took or gave; 0: it returns that */
  __s64 frame;   /* of its stack: calls that are made within it are below */
  __u32 thread;  /* its id, which tells it from one that was there before; 0: a goroutine */
  __u32 asked;   /* bytes to be written */
  __u8 open;     /* it has not returned */
  __u8 direction;
  __u8 reserved[6];
};

/* Which point a process belongs to. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 8192);
  __type(key, __u32);
  __type(value, __u32);
} tls_processes SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 32768);
  __type(key, struct tls_key);
  __type(value, struct tls_session);
} tls_sessions SEC(".maps");

/* By thread: the address of its task_struct, which is used again. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 8192);
  __type(key, __u64);
  __type(value, struct tls_call);
} tls_calls SEC(".maps");

static __always_inline struct tls_key key_of(__u64 object)
{
  return (struct tls_key){.object = object, .process = bpf_get_current_pid_tgid() >> 32};
}

/* A session that is met at `now`, under a number that no other one of this process has. */
static __always_inline struct tls_session *meet_session(const struct tls_key *key, enum tls_role role)
{
  __u64 now = bpf_ktime_get_ns() & ((1ULL << (TAP_PROCESS_SHIFT - 6)) - 1);
  struct tls_session met = {.role = role, .next = {1, 1}};
  met.id = (__u64)key->process << TAP_PROCESS_SHIFT | now << 6 | (bpf_get_smp_processor_id() & 63);
  bpf_map_update_elem(&tls_sessions, key, &met, BPF_ANY);
  return bpf_map_lookup_elem(&tls_sessions, key);
}

static __always_inline void set_plain_record(struct tap_record *record, const struct tls_session *session, __u32 point,
                                             enum tap_direction direction)
{
  int out = direction == TAP_FROM_POD;
  record->time_ns = bpf_ktime_get_ns();
  record->session = session->id;
  record->point = point;
  record->direction = direction;
  record->seq = session->next[direction & 1];
  record->ack = session->next[!(direction & 1)];
  record->tcp_flags = FLAG_ACK;
  if (!session->place) return;
  __builtin_memcpy(out ? record->source : record->destination, session->own, sizeof(session->own));
  __builtin_memcpy(out ? record->destination : record->source, session->peer, sizeof(session->peer));
  record->source_port = out ? session->own_port : session->peer_port;
  record->destination_port = out ? session->peer_port : session->own_port;
}

/* A Tap that names ports has only connections of which they are known. */
static __always_inline int is_traced_session(const struct tls_session *session)
{
  __u32 zero = 0;
  const struct tap_settings *set = bpf_map_lookup_elem(&settings, &zero);
  if (!set) return 0;
  if (set->all_ports) return 1;
  return session->place && (traced(session->own_port, set) || traced(session->peer_port, set));
}

/* What a beginning or an end would say on the wire. */
static __always_inline void hand_up_mark(struct tls_session *session, __u32 point, enum tap_direction direction, __u8 flags)
{
  struct work work = {};
  set_plain_record(&work.record, session, point, direction);
  work.record.tcp_flags = flags | FLAG_ACK;
  /* A beginning takes the number before the first byte's. */
  if (flags & FLAG_SYN) work.record.seq--;
  struct tap_counters *counter = count();
  if (counter) add_to(&counter->segments, 1);
  int cause = emit(0, MEMORY, &work.record, 0, 0, 0);
  if (cause >= 0) count_loss(cause, 0);
}

static __noinline int hand_up_plain(struct tls_session *session, const struct tls_call *call, __u32 point, __u32 length)
{
  struct work work = {};
  struct tap_counters *counter = count();
  if (!session || !call || !counter) return 0;
  enum tap_direction direction = call->direction & 1;
  if (!session->told && session->role)
    /* The answer to a client's wish to begin tells both ends where they stand. */
    hand_up_mark(session, point, session->role == TLS_SERVER ? TAP_FROM_POD : TAP_TO_POD, FLAG_SYN);
  session->told = 1;
  set_plain_record(&work.record, session, point, direction);
  work.record.payload_length = length;
  add_to(&counter->tls_bytes, length);
  enum wanted wanted = is_wanted(&work.record, counter);
  if (wanted == NOTHING) return 0;
  hand_up((void *)call->buffer, MEMORY, &work, wanted);
  return 0;
}

/* What the application has got, or has given away, of a stream. */
static __always_inline void take_plain(struct tls_session *session, const struct tls_call *call, __u32 length)
{
  __u32 process = call->key.process;
  __u32 *point = bpf_map_lookup_elem(&tls_processes, &process);
  if (point && is_traced_session(session)) hand_up_plain(session, call, *point, length);
  session->next[call->direction & 1] += length;
}

/* How many bytes a call has taken or given. */
static __always_inline __u32 done_by(const struct tls_call *call, int returned)
{
  __u64 size = 0;
  if (returned <= 0) return 0;
  if (!call->size_at) return returned;
  if (bpf_probe_read_user(&size, sizeof(size), (void *)call->size_at) < 0) return 0;
  return size;
}

/* The call that a thread is in, if it is. One that ended within a call has left that behind, for whoever has its place now. */
static __always_inline struct tls_call *open_call(__u64 thread, __u32 id)
{
  struct tls_call *call = bpf_map_lookup_elem(&tls_calls, &thread);
  return call && call->open && call->thread == id ? call : 0;
}

static __always_inline void begin_call(__u64 thread, struct tls_call *call)
{
  __u32 process = call->key.process;
  if (!bpf_map_lookup_elem(&tls_processes, &process)) return;
  /* TLS within TLS: the outer session's calls are made by the inner one's. */
  struct tls_call *outer = open_call(thread, call->thread);
  if (outer && call->frame < outer->frame) return;
  struct tls_session *session = bpf_map_lookup_elem(&tls_sessions, &call->key);
  /* Where a return was missed nobody knows how many bytes went with it: what follows is another stream. */
  if (!session || session->busy[call->direction & 1]) session = meet_session(&call->key, TLS_UNKNOWN);
  if (!session) return;
  session->busy[call->direction & 1] = 1;
  call->open = 1;
  bpf_map_update_elem(&tls_calls, &thread, call, BPF_ANY);
}

/* `frame`: of what returns. */
static __always_inline void end_call(__u64 thread, __u32 id, __s64 frame, int returned)
{
  struct tls_call *call = open_call(thread, id);
  if (!call || frame < call->frame) return;
  call->open = 0;
  struct tls_session *session = bpf_map_lookup_elem(&tls_sessions, &call->key);
  if (!session) return;
  session->busy[call->direction & 1] = 0;
  __u32 length = done_by(call, returned);
  if (length) take_plain(session, call, length);
}

static __always_inline struct tls_call call_of(struct pt_regs *ctx, enum tap_direction direction)
{
  struct tls_call call = {.key = key_of(PT_REGS_PARM1(ctx)),
                          .buffer = PT_REGS_PARM2(ctx),
                          .frame = PT_REGS_SP(ctx),
                          .thread = bpf_get_current_pid_tgid(),
                          .direction = direction};
  if (direction == TAP_FROM_POD) call.asked = PT_REGS_PARM3(ctx);
  return call;
}

SEC("uprobe")
int tls_read(struct pt_regs *ctx)
{
  struct tls_call call = call_of(ctx, TAP_TO_POD);
  begin_call(bpf_get_current_task(), &call);
  return 0;
}

SEC("uprobe")
int tls_write(struct pt_regs *ctx)
{
  struct tls_call call = call_of(ctx, TAP_FROM_POD);
  begin_call(bpf_get_current_task(), &call);
  return 0;
}

SEC("uprobe")
int tls_read_ex(struct pt_regs *ctx)
{
  struct tls_call call = call_of(ctx, TAP_TO_POD);
  call.size_at = PT_REGS_PARM4(ctx);
  begin_call(bpf_get_current_task(), &call);
  return 0;
}

SEC("uprobe")
int tls_write_ex(struct pt_regs *ctx)
{
  struct tls_call call = call_of(ctx, TAP_FROM_POD);
  call.size_at = PT_REGS_PARM4(ctx);
  begin_call(bpf_get_current_task(), &call);
  return 0;
}

SEC("uretprobe")
int tls_return(struct pt_regs *ctx)
{
  end_call(bpf_get_current_task(), bpf_get_current_pid_tgid(), PT_REGS_SP(ctx), PT_REGS_RC(ctx));
  return 0;
}

/* Nothing follows in either direction. */
static __always_inline void end_session(struct tls_session *session, __u32 point)
{
  if (!session->told) return;
  hand_up_mark(session, point, TAP_FROM_POD, FLAG_FIN);
  hand_up_mark(session, point, TAP_TO_POD, FLAG_FIN);
}

static __always_inline void begin_session(__u64 object, enum tls_role role)
{
  struct tls_key key = key_of(object);
  __u32 process = key.process;
  __u32 *point = bpf_map_lookup_elem(&tls_processes, &process);
  if (!point) return;
  struct tls_session *session = bpf_map_lookup_elem(&tls_sessions, &key);
  /* Said more than once before the first byte. */
  if (session && !session->told && session->role == role) return;
  if (session) end_session(session, *point);
  meet_session(&key, role);
}

/* Notes which session the thread works at, for what it sends then. */
static __always_inline void note_thread(struct tls_call *call)
{
  __u64 thread = bpf_get_current_task();
  call->thread = bpf_get_current_pid_tgid();
  if (!open_call(thread, call->thread)) bpf_map_update_elem(&tls_calls, &thread, call, BPF_ANY);
}

static __always_inline void begin_handshake(__u64 object, enum tls_role role)
{
  struct tls_call call = {.key = key_of(object)};
  __u32 process = call.key.process;
  if (!bpf_map_lookup_elem(&tls_processes, &process)) return;
  if (role && !bpf_map_lookup_elem(&tls_sessions, &call.key)) meet_session(&call.key, role);
  note_thread(&call);
}

static __always_inline void forget_session(__u64 object)
{
  struct tls_key key = key_of(object);
  __u32 process = key.process;
  __u32 *point = bpf_map_lookup_elem(&tls_processes, &process);
  struct tls_session *session = bpf_map_lookup_elem(&tls_sessions, &key);
  if (point && session) end_session(session, *point);
  bpf_map_delete_elem(&tls_sessions, &key);
}

SEC("uprobe")
int tls_set_client(struct pt_regs *ctx)
{
  begin_session(PT_REGS_PARM1(ctx), TLS_CLIENT);
  return 0;
}

SEC("uprobe")
int tls_set_server(struct pt_regs *ctx)
{
  begin_session(PT_REGS_PARM1(ctx), TLS_SERVER);
  return 0;
}

SEC("uprobe")
int tls_connect(struct pt_regs *ctx)
{
  begin_handshake(PT_REGS_PARM1(ctx), TLS_CLIENT);
  return 0;
}

SEC("uprobe")
int tls_accept(struct pt_regs *ctx)
{
  begin_handshake(PT_REGS_PARM1(ctx), TLS_SERVER);
  return 0;
}

SEC("uprobe")
int tls_handshake(struct pt_regs *ctx)
{
  begin_handshake(PT_REGS_PARM1(ctx), TLS_UNKNOWN);
  return 0;
}

SEC("uprobe")
int tls_free(struct pt_regs *ctx)
{
  forget_session(PT_REGS_PARM1(ctx));
  return 0;
}
