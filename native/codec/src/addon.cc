// N-API face of the codec. No state: every environment and every call stands alone.
#include <node_api.h>

#include <new>

#include "otlp.h"

namespace {

napi_value object_of(napi_env env, const char *key, napi_value value) {
  napi_value object;
  if (napi_create_object(env, &object) != napi_ok) return nullptr;
  if (napi_set_named_property(env, object, key, value) != napi_ok) return nullptr;
  return object;
}

napi_value throw_error(napi_env env, const char *message) {
  napi_throw_error(env, nullptr, message);
  return nullptr;
}

// { offset, reason }
napi_value malformed(napi_env env, const clover::Malformed &error) {
  napi_value offset, reason;
  napi_create_double(env, static_cast<double>(error.offset), &offset);
  napi_create_string_utf8(env, error.reason, NAPI_AUTO_LENGTH, &reason);
  napi_value result = object_of(env, "offset", offset);
  if (result) napi_set_named_property(env, result, "reason", reason);
  return result;
}

// { block, spans }
napi_value decoded(napi_env env, const clover::SpanBlock &block) {
  napi_value buffer, spans;
  void *out;
  if (napi_create_buffer(env, block.encoded_size(), &out, &buffer) != napi_ok)
    return throw_error(env, "no memory for the block");
  block.write(static_cast<char *>(out));
  napi_create_double(env, static_cast<double>(block.rows()), &spans);
  napi_value result = object_of(env, "block", buffer);
  if (result) napi_set_named_property(env, result, "spans", spans);
  return result;
}

// decode_traces(otlp: Uint8Array): { block, spans } | { offset, reason }
napi_value decode_traces(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  napi_typedarray_type type;
  size_t size;
  void *data;
  bool is_array = false;
  if (napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr) != napi_ok || count < 1 ||
      napi_is_typedarray(env, argument, &is_array) != napi_ok || !is_array ||
      napi_get_typedarray_info(env, argument, &type, &size, &data, nullptr, nullptr) != napi_ok ||
      type != napi_uint8_array) {
    napi_throw_type_error(env, nullptr, "decode_traces takes a Uint8Array");
    return nullptr;
  }
  try {
    clover::SpanBlock block;
    clover::decode_traces(static_cast<const uint8_t *>(data), size, block);
    return decoded(env, block);
  } catch (const clover::Malformed &error) {
    return malformed(env, error);
  } catch (const std::bad_alloc &) {
    return throw_error(env, "no memory for the block");
  }
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_value function;
  if (napi_create_function(env, "decode_traces", NAPI_AUTO_LENGTH, decode_traces, nullptr,
                           &function) != napi_ok ||
      napi_set_named_property(env, exports, "decode_traces", function) != napi_ok)
    return nullptr;
  return exports;
}
