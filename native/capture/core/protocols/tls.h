// TLS records (RFC 8446 §5.1): told from others, and not read.
#pragma once

#include "../parser.h"

namespace clover {

Verdict detect_tls(std::string_view bytes, Side from, Where where);

}  // namespace clover
