/* What the kernel programs and the session core share: records of the ring, counters, settings. */
#ifndef CLOVER_TAP_H
#define CLOVER_TAP_H

#include <linux/types.h>

/* A point is an interface, by its index, or a cgroup, by a number from this one on. */
#define TAP_FIRST_CGROUP 0x80000000U

/* Largest piece of a payload in one record; longer segments (GSO, BIG TCP) come as several. */
#define TAP_CHUNK 16384
/* 33 chunks of 16 KiB cover the longest BIG TCP segment (8 * 65,535 bytes). */
#define TAP_MAX_CHUNKS 33
#define TAP_MAX_PAYLOAD (TAP_CHUNK * TAP_MAX_CHUNKS)

/* No packet, but what a socket of the pod has to say: TAP_CLOSED (tap_closed), TAP_DIALED (tap_dialed). */
enum tap_direction { TAP_FROM_POD = 0, TAP_TO_POD = 1, TAP_CLOSED = 2, TAP_DIALED = 3 };

/* Causes for which a segment, or a part of it, does not reach user space. */
enum tap_cause {
  TAP_RING_FULL = 0,
  TAP_UNREADABLE = 1,
  TAP_FRAGMENT = 2,
  TAP_CAUSES = 3,
};

/* Packets of IP in which there is neither TCP nor UDP to be read, whatever ports they are of. */
enum tap_other {
  TAP_SCTP = 0,
  TAP_GRE = 1,
  TAP_ESP = 2,
  TAP_LATER_FRAGMENT = 3, /* all but the first, of whatever it is */
  TAP_NESTED = 4,         /* tunnels in one another, more than are followed */
  TAP_OTHER_PROTOCOL = 5,
  TAP_OTHERS = 6,
};
#define TAP_MAX_TUNNELS 2

/* Reasons that user space has for not wanting the bytes of a flow; what they mean is its own affair. */
#define TAP_REASONS 16
/* A flow of datagrams is looked at again after so long without one: nothing else says that it is over. */
#define TAP_DATAGRAMS_IDLE_NS 5000000000ULL

/* Programs that outlive user space do nothing when it has not said for so long that it lives. */
#define TAP_ALIVE_NS 5000000000ULL

/* The longest range of a stream that is not wanted. */
#define TAP_MAX_RANGE (1U << 30)

/* A session of TLS has a number: from this bit on the id of its process, below that anything that tells it apart there. */
#define TAP_PROCESS_SHIFT 42

/* One piece of a TCP segment, or of what a TLS library took or gave in one call, which is told as if it were a segment; or datagrams; `chunk_length` bytes of payload follow, then unused space. A segment of which
 * no byte is wanted (tap_verdict) comes without any: `chunk_length` is 0 and `payload_length` is not. */
struct tap_record {
  __u64 time_ns; /* CLOCK_MONOTONIC */
  __u64 session; /* of TLS, whose plain text this is; its addresses and ports are 0 while they are not known. 0: as on the wire */
  __u32 point;
  __u32 seq; /* TCP: of the segment's first byte, host order */
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
  __u16 datagram_length; /* UDP: of each of the datagrams in a row, but the last may be shorter; 0: TCP */
};

/* A TCP socket at its end, by the kernel's own count: sequence numbers in host order, of its first byte and behind its last one,
 * of which a FIN is one. Of what it sent, that is what its peer has confirmed. In the record the pod is the source. */
struct tap_closed {
  struct tap_record record;
  __u64 opened_ns; /* CLOCK_MONOTONIC, when the handshake was over */
  __u32 sent_from;
  __u32 sent_until;
  __u32 received_from;
  __u32 received_until;
};

/* A TCP connection that goes elsewhere than the application has named. In the record the pod is the source. */
struct tap_dialed {
  struct tap_record record;
  __u32 address[4]; /* that was named, as in a record */
  __u32 port;       /* host order */
  __u32 reserved;
};

/* One TCP connection, or the datagrams between two sockets, as seen at one point. */
struct tap_flow {
  __u32 point;
  __u32 pod[4]; /* addresses and ports as in a record */
  __u32 peer[4];
  __u16 pod_port;
  __u16 peer_port;
  __u32 datagrams; /* 1: UDP; TAP_SESSION: of TLS, whose number is in `pod`, and nothing else beside the point */
};
#define TAP_SESSION 2

/* The same between two ends of IPv4. Most are: a short key is found in half the time. */
struct tap_flow4 {
  __u32 point;
  __u32 pod; /* network order */
  __u32 peer;
  __u16 pod_port;
  __u16 peer_port;
  __u32 datagrams;
};

/* What user space wants of a flow: nothing any more (`reason` is above 0), or all but a range of a stream's sequence numbers
 * (`until` is not included). Ranges are by direction. */
struct tap_verdict {
  __u64 seen_ns; /* UDP: the last datagram, by the program */
  __u32 reason;
  __u32 from[2];
  __u32 until[2];
  __u32 left_out; /* packets that were not handed up for `reason`, by the program; of several CPUs not each */
};

struct tap_skipped {
  __u64 segments;
  __u64 bytes;
};

/* Per CPU, only ever added to. */
struct tap_counters {
  __u64 segments; /* but for those that are skipped */
  __u64 payload_bytes;
  __u64 tls_bytes; /* plain text of TLS, those that are skipped, too */
  __u64 lost_segments[TAP_CAUSES];
  __u64 lost_bytes[TAP_CAUSES];
  __u64 heads_alone; /* segments that were handed up without their payload (tap_verdict) */
  __u64 lost_sockets; /* of which the end found the ring full */
  struct tap_skipped skipped[TAP_REASONS]; /* by tap_verdict.reason */
  __u64 others[TAP_OTHERS]; /* packets */
};

/* Which ports are traced, of TCP and UDP; written by user space. */
struct tap_settings {
  __u64 all_ports;
  __u64 ports[1024]; /* one bit per port */
};

/* What the loader sets before the programs are looked at. */
struct tap_limits {
  __u64 wakeup_bytes; /* user space is woken when this much waits in the ring; else it looks by itself every few ms */
  __u32 max_chunks;   /* of a segment; at most TAP_MAX_CHUNKS */
  __u32 reserved;
};

#define TAP_ASSERT(condition) _Static_assert(condition, #condition)
#ifdef __cplusplus
#undef TAP_ASSERT
#define TAP_ASSERT(condition) static_assert(condition, #condition)
#endif

TAP_ASSERT(sizeof(struct tap_record) == 80);
TAP_ASSERT(sizeof(struct tap_flow) == 44);
TAP_ASSERT(sizeof(struct tap_flow4) == 20);
TAP_ASSERT(sizeof(struct tap_verdict) == 32);
TAP_ASSERT(sizeof(struct tap_closed) == 104);
TAP_ASSERT(sizeof(struct tap_dialed) == 104);
TAP_ASSERT(sizeof(struct tap_counters) == 392);
TAP_ASSERT(sizeof(struct tap_limits) == 16);
TAP_ASSERT(sizeof(struct tap_settings) == 8200);

#endif
