/* SPDX-License-Identifier: GPL-2.0 */
/* The same at the functions of Go's crypto/tls, by the calling convention of Go 1.17 and later. A goroutine may change its thread
 * within a call. */
#pragma once

#include "tls.bpf.h"

#ifdef __TARGET_ARCH_arm64
#define GO_ARGUMENT1(ctx) (((struct user_pt_regs *)(ctx))->regs[0])
#define GO_ARGUMENT2(ctx) (((struct user_pt_regs *)(ctx))->regs[1])
#define GO_ARGUMENT3(ctx) (((struct user_pt_regs *)(ctx))->regs[2])
#define GO_GOROUTINE(ctx) (((struct user_pt_regs *)(ctx))->regs[28])
#else
#define GO_ARGUMENT1(ctx) ((ctx)->rax)
#define GO_ARGUMENT2(ctx) ((ctx)->rbx)
#define GO_ARGUMENT3(ctx) ((ctx)->rcx)
#define GO_GOROUTINE(ctx) ((ctx)->r14)
#endif
#define GO_RESULT1 GO_ARGUMENT1

/* Stands for a thread: goroutines of two processes have the same addresses, and none has the kernel's. */
static __always_inline __u64 goroutine_of(struct pt_regs *ctx)
{
  return bpf_get_current_pid_tgid() >> 32 << TAP_PROCESS_SHIFT | GO_GOROUTINE(ctx) >> 4;
}

/* A stack that grows is copied, and keeps its distances from its upper end: `g.stack.hi`. */
static __always_inline __s64 go_frame(struct pt_regs *ctx)
{
  __u64 top = 0;
  bpf_probe_read_user(&top, sizeof(top), (void *)(GO_GOROUTINE(ctx) + 8));
  return PT_REGS_SP(ctx) - top;
}

SEC("uprobe")
int tls_go_read(struct pt_regs *ctx)
{
  struct tls_call call = {.key = key_of(GO_ARGUMENT1(ctx)),
                          .buffer = GO_ARGUMENT2(ctx),
                          .frame = go_frame(ctx),
                          .direction = TAP_TO_POD};
  begin_call(goroutine_of(ctx), &call);
  return 0;
}

SEC("uprobe")
int tls_go_return(struct pt_regs *ctx)
{
  end_call(goroutine_of(ctx), 0, go_frame(ctx), GO_RESULT1(ctx));
  return 0;
}

/* It writes all or fails, so that nothing has to be known of its end. The answer may be there before that. */
SEC("uprobe")
int tls_go_write(struct pt_regs *ctx)
{
  struct tls_call call = {.key = key_of(GO_ARGUMENT1(ctx)),
                          .buffer = GO_ARGUMENT2(ctx),
                          .asked = GO_ARGUMENT3(ctx),
                          .direction = TAP_FROM_POD};
  __u32 process = call.key.process;
  if (!bpf_map_lookup_elem(&tls_processes, &process) || !call.asked) return 0;
  struct tls_session *session = bpf_map_lookup_elem(&tls_sessions, &call.key);
  if (!session) session = meet_session(&call.key, TLS_UNKNOWN);
  if (!session) return 0;
  take_plain(session, &call, call.asked);
  note_thread(&call);
  return 0;
}

SEC("uprobe")
int tls_go_client(struct pt_regs *ctx)
{
  begin_session(GO_ARGUMENT1(ctx), TLS_CLIENT);
  return 0;
}

SEC("uprobe")
int tls_go_server(struct pt_regs *ctx)
{
  begin_session(GO_ARGUMENT1(ctx), TLS_SERVER);
  return 0;
}

/* What it sends next may be the first message of a handshake. */
SEC("uprobe")
int tls_go_handshake(struct pt_regs *ctx)
{
  begin_handshake(GO_ARGUMENT1(ctx), TLS_UNKNOWN);
  return 0;
}

SEC("uprobe")
int tls_go_close(struct pt_regs *ctx)
{
  forget_session(GO_ARGUMENT1(ctx));
  return 0;
}
