// The raw binding: one C function per line of binding.ts, no state of its own.
#include "../core/links.h"
#include "../core/protocols/table.h"
#include "../core/tls_library.h"
#include "handle.h"
#include "views.h"

namespace clover {
namespace {

constexpr double kWholeSampling = 0x1p56;

napi_value create(napi_env env, napi_callback_info info) {
  auto args = js::arguments(env, info, 2);
  return Handle::create(env, args[0], args[1]);
}

// The point that JS names: an interface by its index, a cgroup by its folder.
u32 to_point(napi_env env, Engine& engine, napi_value value) {
  napi_valuetype given;
  js::check(env, napi_typeof(env, value, &given));
  return given == napi_string ? engine.point_of(js::to_string(env, value)) : static_cast<u32>(js::to_u64(env, value));
}

// A list of ports and names of protocols; of names that no protocol has nothing is said.
std::map<u16, const Protocol*> to_hints(napi_env env, napi_value list) {
  u32 count = 0;
  js::check(env, napi_get_array_length(env, list, &count));
  std::map<u16, const Protocol*> hints;
  for (u32 i = 0; i < count; i++) {
    napi_value one;
    js::check(env, napi_get_element(env, list, i, &one));
    const Protocol* protocol = protocol_named(js::to_string(env, js::get(env, one, "protocol")));
    if (protocol != nullptr) hints[static_cast<u16>(js::to_u64(env, js::get(env, one, "port")))] = protocol;
  }
  return hints;
}

// A list of addresses with the length of their prefix and a port, or null.
std::optional<std::vector<Destination>> to_destinations(napi_env env, napi_value list) {
  napi_valuetype given;
  js::check(env, napi_typeof(env, list, &given));
  if (given == napi_null) return std::nullopt;
  u32 count = 0;
  js::check(env, napi_get_array_length(env, list, &count));
  std::vector<Destination> destinations;
  for (u32 i = 0; i < count; i++) {
    napi_value one;
    js::check(env, napi_get_element(env, list, i, &one));
    auto number = [&](const char* key) { return static_cast<u32>(js::to_u64(env, js::get(env, one, key))); };
    auto found = Destination::parse(js::to_string(env, js::get(env, one, "address")), number("prefixLength"),
                                    static_cast<u16>(number("port")));
    if (found) destinations.push_back(*found);
  }
  return destinations;
}

napi_value attach(napi_env env, napi_callback_info info) {
  auto args = js::arguments(env, info, 4);
  auto text = [&](const char* key) { return js::to_string(env, js::get(env, args[2], key)); };
  Identity identity{text("namespace"), text("name"),    text("uid"),
                    text("node"),      text("service"), text("version")};
  auto texts = [&](const char* key) { return js::to_strings(env, js::get(env, args[3], key)); };
  Sampling sampling;
  sampling.threshold = static_cast<u64>((1 - js::to_double(env, js::get(env, args[3], "ratio"))) * kWholeSampling);
  sampling.parent = js::to_bool(env, js::get(env, args[3], "parent"));
  Selection selection{HeaderNames(texts("request_headers")), HeaderNames(texts("response_headers")),
                      texts("query_values"), texts("redacted_headers"), protocols_named(texts("protocols")),
                      js::to_bool(env, js::get(env, args[3], "access_log")), to_hints(env, js::get(env, args[3], "hints")),
                      to_destinations(env, js::get(env, args[3], "egress"))};
  Engine& engine = Handle::from(env, args[0]).engine();
  try {
    return js::text(env, engine.attach(to_point(env, engine, args[1]), identity, sampling, selection));
  } catch (const Unavailable& missing) {
    napi_throw_error(env, "CLV_CAPTURE_UNAVAILABLE", missing.what());
    return nullptr;
  }
}

napi_value detach(napi_env env, napi_callback_info info) {
  auto args = js::arguments(env, info, 2);
  Engine& engine = Handle::from(env, args[0]).engine();
  engine.detach(to_point(env, engine, args[1]));
  return nullptr;
}

napi_value attach_process(napi_env env, napi_callback_info info) {
  auto args = js::arguments(env, info, 4);
  Engine& engine = Handle::from(env, args[0]).engine();
  try {
    engine.attach_process(static_cast<u32>(js::to_u64(env, args[1])), to_point(env, engine, args[2]),
                          js::to_string(env, args[3]));
  } catch (const Unavailable& missing) {
    napi_throw_error(env, "CLV_CAPTURE_UNAVAILABLE", missing.what());
  }
  return nullptr;
}

napi_value detach_process(napi_env env, napi_callback_info info) {
  auto args = js::arguments(env, info, 2);
  Handle::from(env, args[0]).engine().detach_process(static_cast<u32>(js::to_u64(env, args[1])));
  return nullptr;
}

napi_value tls_library(napi_env env, napi_callback_info info) {
  auto args = js::arguments(env, info, 1);
  auto library = tls_library_of(js::to_string(env, args[0]));
  if (!library) return nullptr;
  napi_value out = js::object(env);
  js::set(env, out, "name", js::text(env, library->name));
  js::set(env, out, "version", js::text(env, library->version));
  js::set(env, out, "readable", js::boolean(env, library->readable));
  return out;
}

napi_value set_ports(napi_env env, napi_callback_info info) {
  auto args = js::arguments(env, info, 2);
  u32 length = 0;
  js::check(env, napi_get_array_length(env, args[1], &length));
  std::vector<u16> ports;
  for (u32 i = 0; i < length; i++) {
    napi_value value;
    js::check(env, napi_get_element(env, args[1], i, &value));
    ports.push_back(static_cast<u16>(js::to_u64(env, value)));
  }
  Handle::from(env, args[0]).engine().set_ports(ports);
  return nullptr;
}

napi_value set_window(napi_env env, napi_callback_info info) {
  auto args = js::arguments(env, info, 3);
  Handle::from(env, args[0])
      .engine()
      .set_window({js::big_to_u64(env, args[1]), js::big_to_u64(env, args[2])});
  return nullptr;
}

// What an engine is told without more words.
template <void (Engine::*act)()>
napi_value tell(napi_env env, napi_callback_info info) {
  auto args = js::arguments(env, info, 1);
  (Handle::from(env, args[0]).engine().*act)();
  return nullptr;
}

napi_value hold(napi_env env, napi_callback_info info) {
  auto args = js::arguments(env, info, 2);
  Handle::from(env, args[0]).engine().hold(static_cast<u64>(js::to_double(env, args[1])));
  return nullptr;
}

// What an engine says to another one, and is said.
template <std::string (Engine::*say)()>
napi_value hand_over(napi_env env, napi_callback_info info) {
  auto args = js::arguments(env, info, 1);
  std::string state = (Handle::from(env, args[0]).engine().*say)();
  napi_value out;
  js::check(env, napi_create_buffer_copy(env, state.size(), state.data(), nullptr, &out));
  return out;
}

template <void (Engine::*hear)(std::string_view)>
napi_value take_over(napi_env env, napi_callback_info info) {
  auto args = js::arguments(env, info, 2);
  (Handle::from(env, args[0]).engine().*hear)(js::to_bytes(env, args[1]));
  return nullptr;
}

napi_value frame(napi_env env, napi_callback_info info) {
  auto args = js::arguments(env, info, 5);
  std::string_view bytes = js::to_bytes(env, args[4]);
  Handle::from(env, args[0])
      .engine()
      .frame(static_cast<u32>(js::to_u64(env, args[1])), js::to_bool(env, args[2]),
             js::big_to_u64(env, args[3]), reinterpret_cast<const u8*>(bytes.data()), bytes.size());
  return nullptr;
}

napi_value file(napi_env env, napi_callback_info info) {
  auto args = js::arguments(env, info, 2);
  std::string_view bytes = js::to_bytes(env, args[1]);
  size_t taken =
      Handle::from(env, args[0]).engine().file(reinterpret_cast<const u8*>(bytes.data()), bytes.size());
  return js::number(env, u64{taken});
}

napi_value file_state(napi_env env, napi_callback_info info) {
  auto args = js::arguments(env, info, 1);
  const Recording& recording = Handle::from(env, args[0]).engine().recording();
  napi_value out = js::object(env);
  js::set(env, out, "packets", js::number(env, recording.packets()));
  js::set(env, out, "truncated", js::boolean(env, recording.truncated()));
  if (recording.fault()) {
    napi_value fault = js::object(env);
    js::set(env, fault, "message", js::text(env, recording.fault()->what));
    js::set(env, fault, "offset", js::number(env, recording.fault()->offset));
    js::set(env, out, "fault", fault);
  }
  return out;
}

napi_value advance(napi_env env, napi_callback_info info) {
  auto args = js::arguments(env, info, 2);
  Handle::from(env, args[0]).engine().advance(js::big_to_u64(env, args[1]));
  return nullptr;
}

napi_value evidence(napi_env env, napi_callback_info info) {
  auto args = js::arguments(env, info, 2);
  u64 after = js::to_u64(env, args[1]);
  return Handle::from(env, args[0]).engine().inspect(
      [&](Session& session) { return evidence_view(env, session, after); });
}

napi_value ledger(napi_env env, napi_callback_info info) {
  auto args = js::arguments(env, info, 1);
  return ledger_view(env, Handle::from(env, args[0]).engine().ledger());
}

napi_value metrics(napi_env env, napi_callback_info info) {
  auto args = js::arguments(env, info, 1);
  return Handle::from(env, args[0]).engine().inspect(
      [&](Session& session) { return metrics_view(env, session); });
}

napi_value one_way(napi_env env, napi_callback_info info) {
  auto args = js::arguments(env, info, 1);
  Engine& engine = Handle::from(env, args[0]).engine();
  return engine.glance([&](Session& session) {
    napi_value out = js::array(env);
    size_t n = 0;
    for (const Pod* pod : session.one_way()) {
      const std::string* cgroup = engine.cgroup_of(pod->ifindex);
      napi_value item = js::object(env);
      js::set(env, item, "point", cgroup ? js::text(env, *cgroup) : js::number(env, u64{pod->ifindex}));
      js::set(env, item, "oneWay", js::number(env, pod->one_way));
      js::set(env, item, "bothWays", js::number(env, pod->both_ways));
      js::push(env, out, n++, item);
    }
    return out;
  });
}

napi_value overtaken(napi_env env, napi_callback_info info) {
  auto args = js::arguments(env, info, 1);
  napi_value out = js::array(env);
  size_t n = 0;
  // Of interfaces alone: a cgroup has no chain.
  for (const auto& [point, programs] : Handle::from(env, args[0]).engine().overtaken()) {
    napi_value item = js::object(env), ids = js::array(env);
    for (size_t i = 0; i < programs.size(); i++) js::push(env, ids, i, js::number(env, u64{programs[i]}));
    js::set(env, item, "point", js::number(env, u64{point}));
    js::set(env, item, "programs", ids);
    js::push(env, out, n++, item);
  }
  return out;
}

napi_value kernel_cpu_ns(napi_env env, napi_callback_info info) {
  auto args = js::arguments(env, info, 1);
  return js::number(env, Handle::from(env, args[0]).engine().kernel_ns());
}

napi_value take_batches(napi_env env, napi_callback_info info) {
  auto args = js::arguments(env, info, 1);
  napi_value out = js::array(env);
  size_t n = 0;
  for (const Batch& batch : Handle::from(env, args[0]).engine().take_batches()) {
    napi_value item = js::object(env), otlp;
    js::check(env, napi_create_buffer_copy(env, batch.otlp.size(), batch.otlp.data(), nullptr, &otlp));
    js::set(env, item, "otlp", otlp);
    js::set(env, item, "logs", js::boolean(env, batch.logs));
    js::set(env, item, "count", js::number(env, u64{batch.count}));
    js::set(env, item, "sequence", js::number(env, batch.sequence));
    js::set(env, item, "watermarkMs", js::number(env, to_ms(batch.watermark_ns)));
    js::push(env, out, n++, item);
  }
  return out;
}

napi_value process_links_of(napi_env env, napi_callback_info info) {
  auto args = js::arguments(env, info, 1);
  napi_value out = js::object(env), links = js::array(env);
  try {
    auto found = process_links(static_cast<u32>(js::to_u64(env, args[0])));
    if (!found) return nullptr;
    size_t n = 0;
    for (const auto& [link, ours] : found->links) {
      napi_value item = js::object(env);
      js::set(env, item, "name", js::text(env, link.name));
      js::set(env, item, "kind", js::text(env, link.kind));
      if (link.xdp) js::set(env, item, "xdp", js::boolean(env, true));
      if (ours) {
        napi_value end = js::object(env);
        js::set(env, end, "ifindex", js::number(env, u64{ours->ifindex}));
        js::set(env, end, "name", js::text(env, ours->name));
        if (ours->xdp) js::set(env, end, "xdp", js::boolean(env, true));
        js::set(env, item, "ours", end);
      }
      js::push(env, links, n++, item);
    }
    js::set(env, out, "own", js::boolean(env, found->own));
  } catch (const Unavailable& missing) {
    napi_throw_error(env, "CLV_CAPTURE_UNAVAILABLE", missing.what());
    return nullptr;
  }
  js::set(env, out, "links", links);
  return out;
}

napi_value close(napi_env env, napi_callback_info info) {
  auto args = js::arguments(env, info, 1);
  Handle::from(env, args[0]).close();
  return nullptr;
}

// C++ exceptions end here: below is C.
template <napi_value (*Call)(napi_env, napi_callback_info)>
napi_value guarded(napi_env env, napi_callback_info info) {
  try {
    return Call(env, info);
  } catch (const js::Failed&) {
  } catch (const std::exception& error) {
    napi_throw_error(env, "CLV_INTERNAL", error.what());
  }
  return nullptr;
}

template <napi_value (*Call)(napi_env, napi_callback_info)>
napi_property_descriptor method(const char* name) {
  return {name, nullptr, guarded<Call>, nullptr, nullptr, nullptr, napi_enumerable, nullptr};
}

}  // namespace
}  // namespace clover

NAPI_MODULE_INIT() {
  using namespace clover;
  const napi_property_descriptor methods[] = {
      method<create>("create"),
      method<attach>("attach"),
      method<detach>("detach"),
      method<attach_process>("attach_process"),
      method<detach_process>("detach_process"),
      method<tls_library>("tls_library"),
      method<set_ports>("set_ports"),
      method<set_window>("set_window"),
      method<hand_over<&Engine::hand_over>>("hand_over"),
      method<hand_over<&Engine::hand_over_requests>>("hand_over_requests"),
      method<hold>("hold"),
      method<take_over<&Engine::take_over>>("take_over"),
      method<take_over<&Engine::take_over_requests>>("take_over_requests"),
      method<frame>("frame"),
      method<file>("file"),
      method<tell<&Engine::end_file>>("end_file"),
      method<file_state>("file_state"),
      method<advance>("advance"),
      method<evidence>("evidence"),
      method<ledger>("ledger"),
      method<metrics>("metrics"),
      method<one_way>("one_way"),
      method<overtaken>("overtaken"),
      method<kernel_cpu_ns>("kernel_cpu_ns"),
      method<tell<&Engine::flush>>("flush"),
      method<take_batches>("take_batches"),
      method<close>("close"),
      method<process_links_of>("process_links"),
  };
  napi_define_properties(env, exports, std::size(methods), methods);
  return exports;
}
