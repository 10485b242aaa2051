// The classic protocol of MySQL and MariaDB: a span for each command that is answered.
#pragma once

#include "../parser.h"

namespace clover {

Verdict detect_mysql(std::string_view bytes, Side from, Where where);
std::unique_ptr<Parser> make_mysql(Conversation& conversation);

}  // namespace clover
