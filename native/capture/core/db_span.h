// What spans of databases share (OpenTelemetry semantic conventions, database client spans).
#pragma once

#include "conversation.h"
#include "sql.h"

namespace clover::db {

// `system`: db.system.name.
void describe_system(Request& request, std::string_view system);
// The text, its summary and what follows from it: the span's name and its context. None is known where it is
// null.
void describe_query(Request& request, const sql::Query* query, std::string_view system);
// How it ended. Each is empty where there is none; a code is an error.
void describe_end(Request& request, std::string_view name_space, std::string_view code,
                  std::string_view failure);

// What nobody answers: lost for a cause, or failed with its connection. `code`: an error that was told before, or empty.
void lose(Conversation& talk, Request* request, std::string_view name_space, std::string_view code, const char* cause);
void fail(Conversation& talk, Request* request, std::string_view name_space, u64 time_ns);
// A hole took its answer, or the rest of it.
void interrupt(Conversation& talk, Request* request, std::string_view name_space, u64 time_ns);

}  // namespace clover::db
