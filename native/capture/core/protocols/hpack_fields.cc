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

constexpr StaticField kStatic[kStaticFields] = {
    {":authority", Field::authority, ""}, {":method", Field::method, "GET"}, {":method", Field::method, "POST"},
    {":path", Field::path, "/"}, {":path", Field::path, "/index.html"}, {":scheme", Field::scheme, "http"},
    {":scheme", Field::scheme, "https"}, {":status", Field::status, "200"}, {":status", Field::status, "204"},
    {":status", Field::status, "206"}, {":status", Field::status, "304"}, {":status", Field::status, "400"},
    {":status", Field::status, "404"}, {":status", Field::status, "500"}, {"accept-charset", Field::other, ""},
    {"accept-encoding", Field::other, "gzip, deflate"}, {"accept-language", Field::other, ""},
    {"accept-ranges", Field::other, ""}, {"accept", Field::other, ""},
    {"access-control-allow-origin", Field::other, ""}, {"age", Field::other, ""}, {"allow", Field::other, ""},
    {"authorization", Field::other, ""}, {"cache-control", Field::other, ""},
    {"content-disposition", Field::other, ""}, {"content-encoding", Field::other, ""},
    {"content-language", Field::other, ""}, {"content-length", Field::other, ""},
    {"content-location", Field::other, ""}, {"content-range", Field::other, ""},
    {"content-type", Field::content_type, ""}, {"cookie", Field::other, ""}, {"date", Field::other, ""},
    {"etag", Field::other, ""}, {"expect", Field::other, ""}, {"expires", Field::other, ""},
    {"from", Field::other, ""}, {"host", Field::host, ""}, {"if-match", Field::other, ""},
    {"if-modified-since", Field::other, ""}, {"if-none-match", Field::other, ""}, {"if-range", Field::other, ""},
    {"if-unmodified-since", Field::other, ""}, {"last-modified", Field::other, ""}, {"link", Field::other, ""},
    {"location", Field::other, ""}, {"max-forwards", Field::other, ""}, {"proxy-authenticate", Field::other, ""},
    {"proxy-authorization", Field::other, ""}, {"range", Field::other, ""}, {"referer", Field::other, ""},
    {"refresh", Field::other, ""}, {"retry-after", Field::other, ""}, {"server", Field::other, ""},
    {"set-cookie", Field::other, ""}, {"strict-transport-security", Field::other, ""},
    {"transfer-encoding", Field::other, ""}, {"user-agent", Field::user_agent, ""}, {"vary", Field::other, ""},
    {"via", Field::other, ""}, {"www-authenticate", Field::other, ""}};

}  // namespace

Field field_of(std::string_view name) {
  for (const Name& one : kNames)
    if (one.name == name) return one.field;
  TraceField trace = trace_field_of(name);
  return trace == TraceField::none ? Field::other : field_of(trace);
}

const StaticField& static_field(size_t index) { return kStatic[index - 1]; }

}  // namespace clover
