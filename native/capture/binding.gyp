{
  'targets': [
    {
      'target_name': 'tap',
      'type': 'none',
      'actions': [
        {
          'action_name': 'compile_tap',
          'inputs': [
            'bpf/tap.bpf.c', 'bpf/tap.h', 'bpf/dialed.bpf.h', 'bpf/emit.bpf.h', 'bpf/interface.bpf.h', 'bpf/locate.bpf.h',
            'bpf/sock_ops.bpf.h', 'bpf/socket.bpf.h', 'bpf/stages.bpf.h', 'bpf/tls.bpf.h', 'bpf/tls_go.bpf.h', 'bpf/tls_socket.bpf.h',
            'bpf/tunnel.bpf.h', 'bpf/wanted.bpf.h', 'bpf/work.bpf.h',
          ],
          'outputs': ['<(PRODUCT_DIR)/tap.bpf.o'],
          'action': [
            # Debian names a version; others have the plain name too.
            '<!(command -v clang || command -v clang-19 || command -v clang-14)', '-target', 'bpf', '-O2', '-g', '-Wall', '-Werror',
            # asm/types.h lies in the multiarch folder, which the bpf target does not know, and asm/ptrace.h is of the architecture.
            '-I<!(echo "${ASM_HEADERS:-/usr/include/$(gcc -print-multiarch)}")',
            '-c', 'bpf/tap.bpf.c', '-o', '<(PRODUCT_DIR)/tap.bpf.o',
          ],
        },
      ],
    },
    {
      'target_name': 'capture',
      'dependencies': ['tap'],
      'sources': [
        'addon/addon.cc', 'addon/handle.cc', 'addon/views.cc',
        'core/attributes.cc', 'core/capture_point.cc', 'core/cgroup_point.cc', 'core/clsact_point.cc',
        'core/connect_hooks.cc', 'core/connection.cc', 'core/context.cc', 'core/conversation.cc', 'core/copies.cc',
        'core/datagrams.cc', 'core/db_span.cc', 'core/db_statements.cc', 'core/ends.cc', 'core/engine.cc', 'core/evidence.cc',
        'core/fragments.cc', 'core/frame.cc', 'core/framing.cc', 'core/go_functions.cc', 'core/grpc_span.cc',
        'core/handover.cc', 'core/handover_requests.cc', 'core/hop.cc', 'core/http_span.cc', 'core/lifetimes.cc', 'core/link_layer.cc', 'core/links.cc',
        'core/loader_log.cc', 'core/outbox.cc',
        'core/netlink.cc', 'core/packet_point.cc', 'core/phases.cc',
        'core/pcap.cc', 'core/proxy_header.cc', 'core/reading.cc', 'core/red.cc', 'core/recogniser.cc', 'core/recording.cc', 'core/request.cc',
        'core/sbi.cc', 'core/selection.cc', 'core/session.cc', 'core/session_datagrams.cc', 'core/session_requests.cc',
        'core/session_sockets.cc', 'core/shedding.cc', 'core/spans.cc', 'core/sql.cc', 'core/sql_summary.cc',
        'core/sql_tokens.cc', 'core/stamp.cc', 'core/tap.cc', 'core/tap_records.cc', 'core/tcx_point.cc', 'core/text_head.cc',
        'core/tls_library.cc', 'core/uprobe_links.cc', 'core/uprobes.cc', 'core/verdicts.cc',
        'core/protocols/dns.cc', 'core/protocols/dns_message.cc', 'core/protocols/dns_span.cc',
        'core/protocols/hpack.cc', 'core/protocols/hpack_fields.cc', 'core/protocols/hpack_huffman.cc',
        'core/protocols/http1.cc', 'core/protocols/http1_body.cc', 'core/protocols/http1_handover.cc',
        'core/protocols/http1_head.cc', 'core/protocols/http2.cc',
        'core/protocols/http2_frame_head.cc', 'core/protocols/http2_frames.cc', 'core/protocols/http2_handover.cc',
        'core/protocols/http2_seek.cc', 'core/protocols/http2_streams.cc', 'core/protocols/kafka.cc',
        'core/protocols/kafka_api.cc', 'core/protocols/kafka_message.cc',
        'core/protocols/kafka_span.cc', 'core/protocols/kafka_topics.cc', 'core/protocols/mysql.cc',
        'core/protocols/mysql_answers.cc', 'core/protocols/mysql_handover.cc', 'core/protocols/mysql_packet.cc', 'core/protocols/postgresql.cc',
        'core/protocols/postgresql_answers.cc', 'core/protocols/postgresql_handover.cc', 'core/protocols/postgresql_message.cc', 'core/protocols/redis.cc',
        'core/protocols/redis_command.cc', 'core/protocols/redis_detect.cc', 'core/protocols/redis_handover.cc', 'core/protocols/resp.cc', 'core/protocols/sip.cc',
        'core/protocols/sip_calls.cc', 'core/protocols/sip_handover.cc', 'core/protocols/sip_message.cc', 'core/protocols/sip_span.cc',
        'core/protocols/table.cc', 'core/protocols/tls.cc', 'core/protocols/websocket.cc',
      ],
      'defines': ['NAPI_VERSION=9'],
      'cflags': ['-O2', '-Wall', '-Wextra', '-Werror', '-fvisibility=hidden'],
      'cflags_cc!': ['-fno-exceptions', '-fno-rtti', '-std=gnu++17', '-std=gnu++20'],
      'cflags_cc': ['-std=c++17', '-fexceptions'],
      'libraries': ['-lbpf', '-lelf'],
    },
  ],
}
