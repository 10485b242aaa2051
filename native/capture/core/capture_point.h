// Where the programs see the packets of a pod, by one way of several.
#pragma once

#include <memory>
#include <stdexcept>
#include <vector>

#include "common.h"
#include "connect_hooks.h"

namespace clover {

// Says what is missing, in words for an operator.
struct Unavailable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Throws Unavailable with what could not be done, why, which rights it takes if it is for those, and what more is known.
[[noreturn]] void refuse(const std::string& what, int error, const std::string& more = {});

// What sees the packets of a pod in both directions, and leaves nothing behind when it is destroyed.
class CapturePoint {
 public:
  virtual ~CapturePoint() = default;
  // CapturePointKind of types.ts.
  virtual const char* kind() const = 0;
  // What every process of this node knows it by.
  virtual u64 place() const = 0;
  // False once somebody else has detached it.
  virtual bool attached() const { return true; }
  // Lets go of what is left of it.
  virtual void detach() {}
  // Programs of others that have their say before it, and may keep packets from it: their ids in the kernel.
  virtual std::vector<u32> overtaken_by() { return {}; }
  // Gives way to others where it has to.
  virtual void look_after(Ancestors&) {}
  // Whether sockets say at their end what they have counted.
  virtual bool hears_sockets() const { return false; }

 protected:
  CapturePoint() = default;
  CapturePoint(const CapturePoint&) = delete;
  CapturePoint& operator=(const CapturePoint&) = delete;
};

// File descriptors of two programs.
struct ProgramPair {
  int from_pod = -1;
  int to_pod = -1;
};

// Those of a cgroup.
struct CgroupPrograms {
  ProgramPair packets;
  int sockets = -1;
  ConnectHooks::Programs connect{-1, -1};
};

// At a cgroup v2; without those of sockets where somebody keeps others off: `number` is what its records have for a point, and `numbers` the
// map that the programs have it from. Throws Unavailable.
std::unique_ptr<CapturePoint> attach_to_cgroup(const CgroupPrograms& programs, int numbers, const std::string& folder,
                                               u32 number);

// At the head of the tcx chain of an interface (Linux 6.6). Throws Unavailable.
std::unique_ptr<CapturePoint> attach_by_tcx(const ProgramPair& programs, u32 ifindex);

// By filters of a clsact qdisc, which outlive this process. Throws Unavailable.
std::unique_ptr<CapturePoint> attach_by_clsact(const ProgramPair& programs, u32 ifindex);
// Takes away the filters that processes which have ended left at the interfaces of this network namespace.
void sweep_clsact();

// By a packet socket with a program that reads both directions. Throws Unavailable.
std::unique_ptr<CapturePoint> attach_by_packet_socket(int program, u32 ifindex);

}  // namespace clover
