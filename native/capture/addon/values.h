// Plain C Node-API made short: a failed call leaves a JS exception and throws Failed.
#pragma once

#include <node_api.h>

#include <string>
#include <string_view>
#include <vector>

#include "../core/common.h"

namespace clover::js {

// A JS exception is pending.
struct Failed {};

inline void check(napi_env env, napi_status status) {
  if (status == napi_ok) return;
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (!pending) napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "wrong argument for the binding");
  throw Failed{};
}

inline std::vector<napi_value> arguments(napi_env env, napi_callback_info info, size_t count) {
  std::vector<napi_value> values(count);
  check(env, napi_get_cb_info(env, info, &count, values.data(), nullptr, nullptr));
  return values;
}

inline napi_value get(napi_env env, napi_value object, const char* key) {
  napi_value value;
  check(env, napi_get_named_property(env, object, key, &value));
  return value;
}

inline std::string to_string(napi_env env, napi_value value) {
  size_t size = 0;
  check(env, napi_get_value_string_utf8(env, value, nullptr, 0, &size));
  std::string text(size + 1, '\0');
  check(env, napi_get_value_string_utf8(env, value, text.data(), text.size(), &size));
  text.resize(size);
  return text;
}

// The bytes of a typed array; they are JavaScript's, and there until the call returns.
inline std::string_view to_bytes(napi_env env, napi_value value) {
  void* data = nullptr;
  size_t size = 0;
  check(env, napi_get_typedarray_info(env, value, nullptr, &size, &data, nullptr, nullptr));
  return {static_cast<const char*>(data), size};
}

inline double to_double(napi_env env, napi_value value) {
  double number = 0;
  check(env, napi_get_value_double(env, value, &number));
  return number;
}

inline u64 to_u64(napi_env env, napi_value value) {
  double number = to_double(env, value);
  return number > 0 ? static_cast<u64>(number) : 0;
}

inline u64 big_to_u64(napi_env env, napi_value value) {
  u64 number = 0;
  bool lossless = false;
  check(env, napi_get_value_bigint_uint64(env, value, &number, &lossless));
  return number;
}

inline std::vector<std::string> to_strings(napi_env env, napi_value list) {
  u32 count = 0;
  check(env, napi_get_array_length(env, list, &count));
  std::vector<std::string> texts;
  for (u32 i = 0; i < count; i++) {
    napi_value one;
    check(env, napi_get_element(env, list, i, &one));
    texts.push_back(to_string(env, one));
  }
  return texts;
}

inline bool to_bool(napi_env env, napi_value value) {
  bool flag = false;
  check(env, napi_get_value_bool(env, value, &flag));
  return flag;
}

inline napi_value number(napi_env env, double value) {
  napi_value result;
  check(env, napi_create_double(env, value, &result));
  return result;
}

inline napi_value number(napi_env env, u64 value) { return number(env, static_cast<double>(value)); }

inline napi_value boolean(napi_env env, bool value) {
  napi_value result;
  check(env, napi_get_boolean(env, value, &result));
  return result;
}

inline napi_value text(napi_env env, std::string_view value) {
  napi_value result;
  check(env, napi_create_string_utf8(env, value.data(), value.size(), &result));
  return result;
}

inline napi_value object(napi_env env) {
  napi_value result;
  check(env, napi_create_object(env, &result));
  return result;
}

inline napi_value array(napi_env env) {
  napi_value result;
  check(env, napi_create_array(env, &result));
  return result;
}

inline void set(napi_env env, napi_value target, const char* key, napi_value value) {
  check(env, napi_set_named_property(env, target, key, value));
}

inline void push(napi_env env, napi_value target, size_t index, napi_value value) {
  check(env, napi_set_element(env, target, static_cast<u32>(index), value));
}

inline napi_value counts(napi_env env, const Counts& values) {
  napi_value result = object(env);
  for (const auto& [key, value] : values) set(env, result, key.c_str(), number(env, value));
  return result;
}

}  // namespace clover::js
