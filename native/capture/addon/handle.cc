#include "handle.h"

namespace clover {
namespace {

constexpr napi_type_tag kTag = {0x6b1c0e5f2d7a4c19, 0x9f3e8d2b71c6a405};

Settings read_settings(napi_env env, napi_value options) {
  Settings settings;
  settings.boot = std::stoull(js::to_string(env, js::get(env, options, "boot")), nullptr, 16);
  auto ms = [&](const char* key) {
    return static_cast<u64>(js::to_double(env, js::get(env, options, key)) * 1e6);
  };
  settings.open_timeout_ns = ms("open_timeout_ms");
  settings.idle_ns = ms("idle_timeout_ms");
  settings.batch_ns = ms("batch_ms");
  settings.detailed = js::to_bool(env, js::get(env, options, "detailed"));
  settings.evidence = js::to_bool(env, js::get(env, options, "evidence"));
  settings.batch_bytes = js::to_u64(env, js::get(env, options, "batch_bytes"));
  settings.memory_bytes = js::to_u64(env, js::get(env, options, "memory_bytes"));
  return settings;
}

std::vector<std::string> read_rungs(napi_env env, napi_value options) {
  napi_value list = js::get(env, options, "rungs"), rung;
  u32 length = 0;
  js::check(env, napi_get_array_length(env, list, &length));
  std::vector<std::string> rungs;
  for (u32 i = 0; i < length; i++) {
    js::check(env, napi_get_element(env, list, i, &rung));
    rungs.push_back(js::to_string(env, rung));
  }
  return rungs;
}

void end_with_environment(void* data) { static_cast<Handle*>(data)->close(); }

}  // namespace

napi_value Handle::create(napi_env env, napi_value options, napi_value notify) {
  Settings settings = read_settings(env, options);
  std::unique_ptr<Handle> handle(new Handle(env));
  napi_valuetype kind;
  js::check(env, napi_typeof(env, notify, &kind));
  if (kind == napi_function) {
    std::string path = js::to_string(env, js::get(env, options, "object_path"));
    u32 ring = static_cast<u32>(js::to_u64(env, js::get(env, options, "ring_bytes")));
    js::check(env, napi_create_threadsafe_function(env, notify, nullptr, js::text(env, "clover"), 1,
                                                   1, nullptr, nullptr, nullptr, nullptr,
                                                   &handle->notify_));
    // A capture alone does not keep the process alive.
    js::check(env, napi_unref_threadsafe_function(env, handle->notify_));
    napi_threadsafe_function wake = handle->notify_;
    try {
      handle->engine_ = std::make_unique<Engine>(settings, path, ring, read_rungs(env, options), [wake] {
        napi_call_threadsafe_function(wake, nullptr, napi_tsfn_nonblocking);
      });
    } catch (const Unavailable& missing) {
      napi_throw_error(env, "CLV_CAPTURE_UNAVAILABLE", missing.what());
      throw js::Failed{};
    }
  } else {
    handle->engine_ = std::make_unique<Engine>(settings);
  }
  napi_value external;
  auto finalize = [](napi_env, void* data, void*) { delete static_cast<Handle*>(data); };
  js::check(env, napi_create_external(env, handle.get(), finalize, nullptr, &external));
  Handle* owned = handle.release();
  js::check(env, napi_type_tag_object(env, external, &kTag));
  js::check(env, napi_add_env_cleanup_hook(env, end_with_environment, owned));
  return external;
}

Handle& Handle::from(napi_env env, napi_value external) {
  bool ours = false;
  js::check(env, napi_check_object_type_tag(env, external, &kTag, &ours));
  void* data = nullptr;
  js::check(env, ours ? napi_get_value_external(env, external, &data) : napi_invalid_arg);
  return *static_cast<Handle*>(data);
}

void Handle::close() {
  engine_->close();
  release_notify();
}

void Handle::release_notify() {
  if (notify_ == nullptr) return;
  napi_release_threadsafe_function(notify_, napi_tsfn_abort);
  notify_ = nullptr;
}

Handle::~Handle() {
  napi_remove_env_cleanup_hook(env_, end_with_environment, this);
  if (engine_) engine_->close();
  release_notify();
}

}  // namespace clover
