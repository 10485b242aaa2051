// A JS handle of an engine. It ends by close(), by garbage collection or with its environment,
// whichever comes first; each later one finds nothing to do.
#pragma once

#include <memory>

#include "../core/engine.h"
#include "values.h"

namespace clover {

// A capture or replay as JS holds it; closes with its environment.
class Handle {
 public:
  // Throws js::Failed with CLV_CAPTURE_UNAVAILABLE pending where the kernel side is not to be had.
  static napi_value create(napi_env env, napi_value options, napi_value notify);
  static Handle& from(napi_env env, napi_value external);

  Engine& engine() { return *engine_; }
  // Stops the engine; its ledger and evidence can still be read.
  void close();
  ~Handle();

 private:
  explicit Handle(napi_env env) : env_(env) {}
  void release_notify();

  napi_env env_;
  napi_threadsafe_function notify_ = nullptr;
  std::unique_ptr<Engine> engine_;
};

}  // namespace clover
