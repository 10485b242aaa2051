#include "hpack_fields.h"

namespace clover {
namespace {

struct Name {
  std::string_view name;
  Field field;
};

constexpr Name kNames[] = {
    {":authority", Field::authority},     {":method", Field::method},
    {":path", Field::path},               {":protocol", Field::protocol},
    {":scheme", Field::scheme},           {":status", Field::status},
    {"content-type", Field::content_type}, {"grpc-status", Field::grpc_status},
    {"host", Field::host},                {"user-agent", Field::user_agent},
    {"x-clover-arm", Field::clover_arm},
};

constexpr StaticField kStatic[] = {
    {Field::authority, ""}, {Field::method, "GET"}, {Field::method, "POST"}, {Field::path, "/"},
    {Field::path, "/index.html"}, {Field::scheme, "http"}, {Field::scheme, "https"},
    {Field::status, "200"}, {Field::status, "204"}, {Field::status, "206"}, {Field::status, "304"},
    {Field::status, "400"}, {Field::status, "404"}, {Field::status, "500"},
};

constexpr StaticField kOther{Field::other, ""};
constexpr StaticField kNamed[] = {{Field::content_type, ""}, {Field::host, ""}, {Field::user_agent, ""}};

}  // namespace

Field field_of(std::string_view name) {
  for (const Name& one : kNames)
    if (one.name == name) return one.field;
  TraceField trace = trace_field_of(name);
  return trace == TraceField::none ? Field::other : field_of(trace);
}

const StaticField& static_field(size_t index) {
  if (index - 1 < std::size(kStatic)) return kStatic[index - 1];
  return index == 31 ? kNamed[0] : index == 38 ? kNamed[1] : index == 58 ? kNamed[2] : kOther;
}

}  // namespace clover
