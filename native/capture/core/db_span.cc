#include "db_span.h"

#include "attributes.h"

namespace clover::db {

void describe_system(Request& request, std::string_view system) {
  Attributes(request.attributes).text("db.system.name", system);
}

void describe_query(Request& request, const sql::Query* query, std::string_view system) {
  if (query == nullptr || query->summary.empty()) request.name.assign(system);
  else request.name = valid_text(query->summary);
  if (query == nullptr) return;
  Attributes out(request.attributes);
  if (!query->summary.empty()) out.text("db.query.summary", query->summary, sql::kMaxSummary);
  if (!query->text.empty()) out.text("db.query.text", query->text, sql::kMaxText);
  if (query->statements > 1) out.number("db.operation.batch.size", query->statements);
  if (!query->traceparent.empty()) request.context = parse_traceparent(query->traceparent);
}

void describe_end(Request& request, std::string_view name_space, std::string_view code,
                  std::string_view failure) {
  Attributes out(request.attributes);
  if (!name_space.empty()) out.text("db.namespace", name_space);
  if (!code.empty()) {
    out.text("db.response.status_code", code);
    request.error_type.assign(code);
  }
  if (!failure.empty()) request.error_type.assign(failure);
}

void lose(Conversation& talk, Request* request, std::string_view name_space, std::string_view code, const char* cause) {
  if (Conversation::keeps(cause)) describe_end(*request, name_space, code, {});
  talk.lose(request, cause);
}

void interrupt(Conversation& talk, Request* request, std::string_view name_space, u64 time_ns) {
  request->interrupt();
  describe_end(*request, name_space, {}, {});
  talk.finish(request, time_ns, false);
}

void fail(Conversation& talk, Request* request, std::string_view name_space, u64 time_ns) {
  describe_end(*request, name_space, {}, "connection_closed");
  talk.finish(request, time_ns, true);
}

}  // namespace clover::db
