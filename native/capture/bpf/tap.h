/* What the kernel programs and the session core share: records of the ring, counters, settings. */
#ifndef CLOVER_TAP_H
#define CLOVER_TAP_H

#include <linux/types.h>

/* Largest piece of a payload in one record; longer segments (GSO, BIG TCP) come as several. */
#define TAP_CHUNK 16384
/* 33 chunks of 16 KiB cover the longest BIG TCP segment (8 * 65,535 bytes). */
#define TAP_MAX_CHUNKS 33
#define TAP_MAX_PAYLOAD (TAP_CHUNK * TAP_MAX_CHUNKS)

enum tap_direction { TAP_FROM_POD = 0, TAP_TO_POD = 1 };

/* Causes for which a segment, or a part of it, does not reach user space. */
enum tap_cause {
  TAP_RING_FULL = 0,
  TAP_UNREADABLE = 1,
  TAP_FRAGMENT = 2,
  TAP_CAUSES = 3,
};

/* One piece of a TCP segment; `chunk_length` bytes of payload follow, then unused space. */
struct tap_record {
  __u64 time_ns; /* CLOCK_MONOTONIC */
  __u32 ifindex;
  __u32 seq; /* of the segment's first byte, host order */
  __u32 ack;
  __u32 payload_length; /* of the whole segment */
  __u32 chunk_offset;
  __u32 chunk_length;
  __u32 source[4]; /* network order; IPv4 as ::ffff:a.b.c.d */
  __u32 destination[4];
  __u16 source_port; /* host order */
  __u16 destination_port;
  __u8 tcp_flags;
  __u8 direction;
  __u8 reserved[2];
};

/* Per CPU, only ever added to. */
struct tap_counters {
  __u64 segments;
  __u64 payload_bytes;
  __u64 lost_segments[TAP_CAUSES];
  __u64 lost_bytes[TAP_CAUSES];
};

/* Which TCP ports are traced; written by user space. */
struct tap_settings {
  __u64 all_ports;
  __u64 ports[1024]; /* one bit per port */
};

#define TAP_ASSERT(condition) _Static_assert(condition, #condition)
#ifdef __cplusplus
#undef TAP_ASSERT
#define TAP_ASSERT(condition) static_assert(condition, #condition)
#endif

TAP_ASSERT(sizeof(struct tap_record) == 72);
TAP_ASSERT(sizeof(struct tap_counters) == 64);
TAP_ASSERT(sizeof(struct tap_settings) == 8200);

#endif
