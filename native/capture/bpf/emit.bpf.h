/* SPDX-License-Identifier: GPL-2.0 */
/* The last stage: what user space is to have goes into the ring. */
#pragma once

#include "work.bpf.h"

/* Where bytes are: in a packet, by the offset in it, or in the memory of the process that runs. */
enum origin { PACKET, MEMORY };

static __always_inline long load(void *source, enum origin origin, __u32 from, void *to, __u32 size)
{
  if (origin == PACKET) return bpf_skb_load_bytes(source, from, to, size);
  return bpf_probe_read_user(to, size, source + from);
}

/* Sends one piece in a slot of a fixed size: one copy only, where bpf_ringbuf_output needs two. */
static __always_inline int emit(void *source, enum origin origin, const struct tap_record *record, __u32 from,
                                __u32 length, const __u32 room)
{
  struct tap_record *slot = bpf_ringbuf_reserve(&ring, sizeof(*slot) + room, 0);
  if (!slot) return TAP_RING_FULL;
  *slot = *record;
  slot->chunk_length = length;
  if (room) {
    /* It is so already: this only shows it to the verifier. Linux 6.1 learns from signed comparisons alone, one by one, that
     * there is something; clang would make one of the two. */
    __s64 fits = length;
    barrier_var(fits);
    int some = fits > 0;
    barrier_var(fits);
    if (!some || fits > room || load(source, origin, from, slot + 1, fits) < 0) {
      bpf_ringbuf_discard(slot, BPF_RB_NO_WAKEUP);
      return TAP_UNREADABLE;
    }
  }
  __u64 waiting = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);
  __u64 crossing = waiting >= limits.wakeup_bytes && waiting < limits.wakeup_bytes + 2 * TAP_CHUNK;
  bpf_ringbuf_submit(slot, crossing ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
  return -1;
}

/* The ring holds what a starved reader has not taken: slots fit, also for one MSS of Ethernet. */
static __always_inline int emit_sized(void *source, enum origin origin, const struct tap_record *record,
                                      __u32 from, __u32 length)
{
  if (length <= 128) return emit(source, origin, record, from, length, 128);
  if (length <= 256) return emit(source, origin, record, from, length, 256);
  if (length <= 512) return emit(source, origin, record, from, length, 512);
  if (length <= 1024) return emit(source, origin, record, from, length, 1024);
  if (length <= 1536) return emit(source, origin, record, from, length, 1536);
  if (length <= 2048) return emit(source, origin, record, from, length, 2048);
  if (length <= 4096) return emit(source, origin, record, from, length, 4096);
  if (length <= 8192) return emit(source, origin, record, from, length, 8192);
  return emit(source, origin, record, from, length, TAP_CHUNK);
}

static __noinline int copy_chunks(void *source, enum origin origin, struct work *work)
{
  struct tap_record *record = &work->record;
  __u32 from = work->payload, length = record->payload_length;
  /* A record holds whole datagrams; of one that is longer it has the beginning. */
  __u32 stride = TAP_CHUNK;
  __u32 each = record->datagram_length;
  if (each) stride = each > TAP_CHUNK ? each : TAP_CHUNK / each * each;
  __u32 offset = 0;
  for (int i = 0; i < TAP_MAX_CHUNKS && i < limits.max_chunks; i++) {
    if (offset >= length) return 0;
    __u32 piece = length - offset;
    if (piece > stride) piece = stride;
    __u32 copied = piece > TAP_CHUNK ? TAP_CHUNK : piece;
    record->chunk_offset = offset;
    int cause = emit(source, origin, record, from + offset, copied, TAP_CHUNK);
    if (cause >= 0) {
      /* What follows would not fare better. */
      count_loss(cause, length - offset);
      return 0;
    }
    offset += stride;
  }
  if (offset < length) count_loss(TAP_UNREADABLE, length - offset);
  return 0;
}

static __noinline int copy_at_once(void *source, enum origin origin, struct work *work)
{
  __u32 length = work->record.payload_length;
  int cause = emit_sized(source, origin, &work->record, work->payload, length);
  if (cause >= 0) count_loss(cause, length);
  return 0;
}
