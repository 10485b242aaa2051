// Target: one connection or one flow of datagrams between a pod and its peer.
//
// An input is the way it begins (1 byte, `Begins`) and steps: what is done (1 byte, `Step`), how much (2 bytes),
// and, where bytes are sent, as many bytes. A seed is therefore written as easily as it is found.
#include "input.h"

using namespace clover;
using namespace clover::fuzz;

namespace {

enum Begins : u8 { kStream = 0, kLate = 1, kDatagrams = 2 };
// The lowest bit is the end that acts: 0 the client, 1 the server.
enum Step : u8 { kSend = 0, kLose = 2, kWait = 4, kAgain = 6, kEnd = 8, kReset = 10, kLater = 12, kUnwanted = 14, kHandOver = 16, kDamage = 18, kSteps = 20 };

constexpr u32 kInterface = 7;
constexpr u64 kStart = 1'790'000'000'000'000'000;
constexpr size_t kStateHead = 8;  // what is before the records
constexpr u64 kHalf = u64{1} << 55;  // of the traces is kept
constexpr u64 kMicrosecond = 1'000, kMillisecond = 1'000'000;

class Talk {
 public:
  explicit Talk(u8 begins) : session_(start({})), datagrams_(begins == kDatagrams) {
    if (begins != kStream) return;
    send(0, kSyn, {});
    send(1, kSyn | kAck, {});
  }

  void step(u8 step, Input& input) {
    int end = step & 1;
    u16 much = input.number();
    switch (step & ~1) {
      case kSend: send(end, kAck, input.bytes(much)); break;
      case kLose: next_[end] += much; break;
      case kWait: wait(much * kMillisecond); break;
      case kAgain: again(end, much); break;
      case kEnd: send(end, kFin | kAck, {}); break;
      case kReset: send(end, kRst | kAck, {}); break;
      case kLater: later(end, input.bytes(much)); break;
      case kUnwanted: unwanted(end, much); break;
      case kHandOver: hand_over({}); break;
      case kDamage: hand_over(input.bytes(much)); break;
    }
    check_ledger(session_->ledger);
  }

  void over() {
    for (const auto& held : later_) deliver(held.end, kAck, held.seq, held.bytes);
    wait(5'000 * kMillisecond);
    end(*session_);
  }

 private:
  struct Held {
    int end;
    u32 seq;
    std::vector<u8> bytes;
  };

  static Settings settings() {
    Settings settings;
    settings.boot = 1;
    return settings;
  }

  static std::unique_ptr<Session> start(const Window& window) {
    auto session = std::make_unique<Session>(settings());
    Identity identity;
    identity.name = "pod";
    identity.name_space = "fuzz";
    session->set_window(window);
    session->attach(kInterface, identity, 0, {kHalf, false});
    return session;
  }

  static void end(Session& session) {
    session.detach_all();
    session.close_batch();
    check_end(session.ledger);
  }

  // Another session goes on, told by this one; `damage` lies over what it was told.
  void hand_over(const std::vector<u8>& damage) {
    std::string state = session_->hand_over();
    for (size_t i = 0; i < damage.size() && kStateHead + i < state.size(); i++)
      state[kStateHead + i] = static_cast<char>(state[kStateHead + i] ^ damage[i]);
    auto next = start({UINT64_MAX, UINT64_MAX});
    next->advance(now_);
    next->take_over(state);
    check_ledger(next->ledger);
    next->set_window({});
    // Nothing is waited for.
    next->take_over_requests(session_->hand_over_requests());
    check_ledger(next->ledger);
    check_ledger(session_->ledger);
    end(*session_);
    session_ = std::move(next);
  }

  void send(int end, u8 flags, std::vector<u8> bytes) {
    u32 seq = next_[end];
    next_[end] += static_cast<u32>(bytes.size()) + ((flags & (kSyn | kFin)) != 0 ? 1 : 0);
    deliver(end, flags, seq, bytes);
    last_[end] = std::move(bytes);
  }

  // The last segment of this end once more, or what its last `much` bytes were.
  void again(int end, u16 much) {
    const auto& last = last_[end];
    size_t size = std::min<size_t>(much, last.size());
    std::vector<u8> part(last.end() - static_cast<std::ptrdiff_t>(size), last.end());
    deliver(end, kAck, next_[end] - static_cast<u32>(size), part);
  }

  // Overtaken by what follows.
  void later(int end, std::vector<u8> bytes) {
    u32 seq = next_[end];
    next_[end] += static_cast<u32>(bytes.size());
    later_.push_back({end, seq, std::move(bytes)});
    if (later_.size() < 3) return;
    auto [whose, at, held] = std::move(later_.front());
    later_.erase(later_.begin());
    deliver(whose, kAck, at, held);
  }

  void wait(u64 ns) {
    now_ += ns;
    session_->drained_until(now_);
    session_->advance(now_);
  }

  // The kernel program kept what nobody wants.
  void unwanted(int end, u16 much) {
    Segment segment = segment_of(end, kAck, next_[end]);
    segment.missing = much;
    segment.unwanted = true;
    next_[end] += much;
    deliver(segment);
  }

  void deliver(int end, u8 flags, u32 seq, const std::vector<u8>& bytes) {
    Segment segment = segment_of(end, flags, seq);
    segment.data = bytes.data();
    segment.length = static_cast<u32>(bytes.size());
    deliver(segment);
  }

  void deliver(const Segment& segment) {
    session_->tick(now_);
    session_->segment(segment);
  }

  Segment segment_of(int end, u8 flags, u32 seq) {
    bool client = end == 0;
    Segment segment;
    segment.ifindex = kInterface;
    segment.to_pod = client;
    segment.datagram = datagrams_;
    segment.time_ns = segment.monotonic_ns = now_ += kMicrosecond;
    segment.source[15] = client ? 1 : 2;
    segment.destination[15] = client ? 2 : 1;
    segment.source_port = client ? 40'000 : 80;
    segment.destination_port = client ? 80 : 40'000;
    segment.seq = seq;
    segment.ack = next_[1 - end];
    segment.flags = flags;
    return segment;
  }

  std::unique_ptr<Session> session_;
  bool datagrams_;
  u64 now_ = kStart;
  u32 next_[2] = {UINT32_MAX - 2'000, 1'000};  // one of them wraps
  std::vector<u8> last_[2];
  std::vector<Held> later_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  Talk talk(input.byte() % 3);
  while (!input.empty()) talk.step(input.byte() % kSteps, input);
  talk.over();
  return 0;
}
