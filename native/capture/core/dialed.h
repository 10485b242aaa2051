// Where an application of a pod wanted to connect to, before something on the way made another address of it.
#pragma once

#include "common.h"

namespace clover {

struct Dialed {
  FlowKey key;  // of the connection that came of it
  Address address{};
  u16 port = 0;
};

}  // namespace clover
