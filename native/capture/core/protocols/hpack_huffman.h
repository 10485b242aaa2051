// The Huffman code of HPACK (RFC 7541 §5.2 and Appendix B).
#pragma once

#include "../common.h"

namespace clover {

// Appends the decoded text to `out`; false where the bytes are no such code: a wrong padding, or an end within.
bool huffman_decode(std::string_view bytes, std::string& out);

}  // namespace clover
