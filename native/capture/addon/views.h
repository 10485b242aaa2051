// What JS is shown of the core.
#pragma once

#include "../core/engine.h"
#include "values.h"

namespace clover {

double to_ms(u64 ns);
// Cells of evidence that have changed since revision `after`.
napi_value evidence_view(napi_env env, Session& session, u64 after);
napi_value ledger_view(napi_env env, const Engine::FullLedger& ledger);
napi_value metrics_view(napi_env env, Session& session);

}  // namespace clover
