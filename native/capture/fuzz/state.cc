// Target: what a successor is told, as whatever bytes, and what comes on the connections that it is about.
//
// An input is the records of a state (2 bytes of length), the names of requests (2 bytes of length), and segments: an end (1 byte),
// TCP flags (1 byte), sequence and acknowledgement (4 bytes each), and bytes (2 bytes of length).
#include "input.h"

using namespace clover;
using namespace clover::fuzz;

namespace {

// As test/native/capture/frames.ts has it, so that a state of a replay is one.
constexpr u32 kInterface = 7;
constexpr u8 kPod = 2, kPeer = 1;
constexpr u16 kPodPort = 8080, kPeerPort = 40'000;
constexpr u64 kStart = 1'790'000'000'000'000'000, kMillisecond = 1'000'000, kMinute = 60'000 * kMillisecond;
constexpr size_t kHead = 8;  // what is before the records

Address address_of(u8 host) { return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 18, 0, host}; }

// With the head of this version.
std::string told(Input& input) {
  Settings settings;
  static const std::string head = Session(settings).hand_over().substr(0, kHead);
  std::vector<u8> bytes = input.bytes(input.number());
  return head + std::string(bytes.begin(), bytes.end());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  Settings settings;
  settings.boot = 1;
  Session session(settings);
  Identity identity;
  identity.name = "pod";
  identity.name_space = "fuzz";
  session.set_window({UINT64_MAX, UINT64_MAX});
  session.attach(kInterface, identity);
  u64 now = kStart;
  session.advance(now);
  session.take_over(told(input));
  check_ledger(session.ledger);
  session.set_window({});
  session.take_over_requests(told(input));
  check_ledger(session.ledger);
  while (!input.empty()) {
    Segment segment;
    bool to_pod = (input.byte() & 1) == 0;
    segment.ifindex = kInterface;
    segment.to_pod = to_pod;
    segment.time_ns = segment.monotonic_ns = now += kMillisecond;
    segment.source = address_of(to_pod ? kPeer : kPod);
    segment.destination = address_of(to_pod ? kPod : kPeer);
    segment.source_port = to_pod ? kPeerPort : kPodPort;
    segment.destination_port = to_pod ? kPodPort : kPeerPort;
    segment.flags = input.byte();
    segment.seq = u32{input.number()} << 16 | input.number();
    segment.ack = u32{input.number()} << 16 | input.number();
    std::vector<u8> bytes = input.bytes(input.number());
    segment.data = bytes.data();
    segment.length = static_cast<u32>(bytes.size());
    session.tick(now);
    session.segment(segment);
    check_ledger(session.ledger);
  }
  session.advance(now += kMinute);
  session.hand_over();
  session.hand_over_requests();
  check_ledger(session.ledger);
  session.detach_all();
  session.close_batch();
  check_end(session.ledger);
  return 0;
}
