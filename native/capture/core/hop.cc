#include "hop.h"

namespace clover {
namespace {

u64 id_of(u64 key) {
  u64 id = mix(key);
  return id != 0 ? id : 1;
}

}  // namespace

Hop hop_of(const Request& request) {
  if (request.transaction != 0) return {id_of(request.transaction), "sip.transaction"};
  if (!request.sequenced) return {};
  u32 answer = request.is_answered ? request.answer_seq : request.start_ack;
  return {id_of(mix(u64{request.start_seq} << 32 | answer) + request.stream_id), "tcp.sequence"};
}

}  // namespace clover
