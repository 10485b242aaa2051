// What the Taps of a pod say: which protocols are read, and which values its spans may tell.
#pragma once

#include <optional>
#include <vector>

#include "common.h"

namespace clover {

struct Protocol;
struct Request;

// What stands for a value that is not told.
inline constexpr std::string_view kRedacted = "REDACTED";

// Names of header fields, in lower case.
class HeaderNames {
 public:
  HeaderNames() = default;
  explicit HeaderNames(std::vector<std::string> names);
  bool empty() const { return names_.empty(); }
  // The name as it is listed, or empty. Given in any case of letters.
  std::string_view find(std::string_view name) const;

 private:
  std::vector<std::string> names_;
  u64 sizes_ = 0;  // a bit per length: most fields have one that none of these has
};

// A header field that is to be kept.
struct KeptField {
  std::string name, value;
};
using KeptFields = std::vector<KeptField>;
// Adds the field where it is listed.
void keep_field(const HeaderNames& names, std::string_view name, std::string_view value, KeptFields& out);

// Where pods connect to: a network, or an address, which is one of 128 bits.
struct Destination {
  Address network{};
  u32 prefix_length = 128;
  u16 port = 0;

  // IPv4 or IPv6 with a prefix length of its kind; nothing where the text is neither.
  static std::optional<Destination> parse(const std::string& address, u32 prefix_length, u16 port);
  bool has(const Address& address, u16 port) const;
  bool operator==(const Destination& o) const {
    return network == o.network && prefix_length == o.prefix_length && port == o.port;
  }
};

// Nothing is told that is not listed.
struct Selection {
  HeaderNames request_headers, response_headers;
  std::vector<std::string> query_values;      // names of parameters
  std::vector<std::string> redacted_headers;  // in lower case; `*` stands for any characters
  u32 protocols = UINT32_MAX;             // a bit each, by the table
  bool access_log = false;                // a record of each request
  std::map<u16, const Protocol*> hints;   // what ports of the pod's servers are said to speak
  std::optional<std::vector<Destination>> egress;  // where connections go to that the pod opens and that are read; else anywhere

  bool has_destination(const Address& address, u16 port) const;

  bool tells_query(std::string_view name) const;
  // Whether the value of a header is to be told of which nothing else forbids that.
  bool tells_header(std::string_view name) const;
};

// Attributes by the conventions for headers: `<prefix><name>`, an array of all values. Of credentials, and of headers that the
// selection redacts, only that they were sent is told, and of subscribers and of queries in URLs only the kind.
void describe_fields(Request& request, std::string_view prefix, const KeptFields& fields, const Selection& selection);

// A query with REDACTED for the values of all parameters but those.
std::string redacted_query(std::string_view query, const Selection& selection);

}  // namespace clover
