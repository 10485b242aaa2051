/* SPDX-License-Identifier: GPL-2.0
 *
 * Copies TCP segments and UDP datagrams of traced ports into a ring, from where they pass a pod.
 * The programs only observe: the packet is not written to, and always goes on.
 */
#include "interface.bpf.h"
#include "sock_ops.bpf.h"
#include "tls_go.bpf.h"
#include "tls_socket.bpf.h"

char LICENSE[] SEC("license") = "GPL";
