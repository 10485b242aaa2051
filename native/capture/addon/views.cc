// What JS is shown of the core, as binding.ts has it.
#include "views.h"

namespace clover {
namespace {

constexpr size_t kMaxCells = 20'000;

napi_value cell(napi_env env, const CellView& view) {
  const Cell& cell = *view.cell;
  napi_value out = js::object(env);
  js::set(env, out, "splitter", js::text(env, view.pod->name));
  js::set(env, out, "run", js::text(env, view.arm->stamp.run));
  js::set(env, out, "epoch", js::number(env, u64{view.arm->stamp.epoch}));
  js::set(env, out, "arm", js::text(env, view.arm->stamp.arm));
  js::set(env, out, "block", js::number(env, cell.block));
  js::set(env, out, "sequence", js::number(env, cell.revision));
  js::set(env, out, "started", js::number(env, cell.started));
  js::set(env, out, "done", js::number(env, cell.done));
  js::set(env, out, "errors", js::number(env, cell.errors));
  js::set(env, out, "stuck", js::number(env, cell.stuck));
  js::set(env, out, "sumLog", js::number(env, cell.sum_log));
  js::set(env, out, "sumLogSq", js::number(env, cell.sum_log_sq));
  napi_value histogram = js::array(env);
  size_t n = 0;
  for (const auto& [bucket, count] : cell.histogram) {
    napi_value pair = js::array(env);
    js::push(env, pair, 0, js::number(env, u64{bucket}));
    js::push(env, pair, 1, js::number(env, u64{count}));
    js::push(env, histogram, n++, pair);
  }
  js::set(env, out, "histogram", histogram);
  return out;
}

napi_value series(napi_env env, const RedSeries& one) {
  napi_value out = js::object(env), attributes = js::object(env), buckets = js::array(env);
  for (const auto& [name, value] : one.attributes)
    js::set(env, attributes, std::string(name).c_str(), js::text(env, value));
  for (size_t i = 0; i < one.buckets.size(); i++) js::push(env, buckets, i, js::number(env, one.buckets[i]));
  js::set(env, out, "metric", js::text(env, metric_name(one.metric)));
  js::set(env, out, "attributes", attributes);
  js::set(env, out, "sumSeconds", js::number(env, one.sum));
  js::set(env, out, "buckets", buckets);
  return out;
}

napi_value red_side(napi_env env, const RedService& service, const RedSide& side, bool server) {
  napi_value out = js::object(env), all = js::array(env);
  js::set(env, out, "namespace", js::text(env, service.name_space));
  js::set(env, out, "service", js::text(env, service.service));
  js::set(env, out, "version", js::text(env, service.version));
  js::set(env, out, "server", js::boolean(env, server));
  js::set(env, out, "started", js::number(env, side.started));
  js::set(env, out, "open", js::number(env, side.open));
  js::set(env, out, "lost", js::counts(env, side.lost));
  size_t n = 0;
  for (const auto& [key, one] : side.series) js::push(env, all, n++, series(env, one));
  for (const auto& one : side.overflow)
    if (one.count > 0) js::push(env, all, n++, series(env, one));
  js::set(env, out, "series", all);
  return out;
}

napi_value request_counts(napi_env env, const RequestCounts& counts) {
  napi_value out = js::object(env);
  js::set(env, out, "seen", js::number(env, counts.seen));
  js::set(env, out, "spans", js::number(env, counts.spans));
  js::set(env, out, "sampledOut", js::number(env, counts.sampled_out));
  js::set(env, out, "open", js::number(env, counts.open));
  js::set(env, out, "lost", js::counts(env, counts.lost));
  return out;
}

}  // namespace

double to_ms(u64 ns) { return static_cast<double>(ns / 1'000'000); }

napi_value evidence_view(napi_env env, Session& session, u64 after) {
  u64 cut = 0, mark = session.evidence_watermark();
  auto views = session.evidence.changed(after, kMaxCells, mark, cut);
  // Cells that did not fit are not reported yet, so that nothing of theirs may be sealed.
  if (cut != 0) mark = std::min(mark, cut * 1'000'000'000);
  napi_value out = js::object(env), cells = js::array(env);
  for (size_t i = 0; i < views.size(); i++) js::push(env, cells, i, cell(env, views[i]));
  u64 revision = views.empty() ? after : views.back().cell->revision;
  js::set(env, out, "revision", js::number(env, revision));
  js::set(env, out, "watermarkMs", js::number(env, to_ms(mark)));
  js::set(env, out, "cells", cells);
  return out;
}

napi_value ledger_view(napi_env env, const Engine::FullLedger& ledger) {
  const auto& [core, wire, reattached] = ledger;
  Counts lost_segments, others;
  for (int i = 0; i < TAP_CAUSES; i++) add(lost_segments, cause_name(i), wire.lost_segments[i]);
  for (int i = 0; i < TAP_OTHERS; i++) add(others, other_name(i), wire.others[i]);
  napi_value out = js::object(env), part = js::object(env);
  js::set(env, part, "segments", js::number(env, u64{wire.segments}));
  js::set(env, part, "payloadBytes", js::number(env, u64{wire.payload_bytes}));
  js::set(env, part, "tlsBytes", js::number(env, u64{wire.tls_bytes}));
  js::set(env, part, "unwanted", js::number(env, unwanted_segments(wire)));
  js::set(env, part, "reattached", js::number(env, reattached));
  js::set(env, part, "lost", js::counts(env, lost_segments));
  js::set(env, part, "otherPackets", js::counts(env, others));
  js::set(env, out, "wire", part);
  part = js::object(env);
  js::set(env, part, "parsed", js::number(env, core.parsed));
  js::set(env, part, "skipped", js::counts(env, core.skipped));
  js::set(env, part, "lost", js::counts(env, core.lost));
  js::set(env, part, "pending", js::number(env, core.pending));
  js::set(env, out, "bytes", part);
  js::set(env, out, "requests", request_counts(env, core.requests));
  js::set(env, out, "sessions", request_counts(env, core.sessions));
  part = js::object(env);
  js::set(env, part, "records", js::number(env, core.records));
  js::set(env, part, "lost", js::number(env, core.lost_records));
  js::set(env, out, "accessLog", part);
  part = js::object(env);
  js::set(env, part, "open", js::number(env, core.connections_open));
  js::set(env, part, "seen", js::number(env, core.connections_seen));
  js::set(env, part, "evicted", js::number(env, core.connections_evicted));
  js::set(env, part, "contradicted", js::counts(env, core.contradicted));
  js::set(env, out, "connections", part);
  part = js::object(env);
  js::set(env, part, "deafPoints", js::number(env, core.sockets.deaf_points));
  js::set(env, part, "compared", js::number(env, core.sockets.compared));
  js::set(env, part, "differ", js::counts(env, core.sockets.differ));
  js::set(env, part, "uncompared", js::counts(env, core.sockets.uncompared));
  js::set(env, out, "sockets", part);
  part = js::object(env);
  js::set(env, part, "read", js::number(env, core.fields));
  js::set(env, part, "unknown", js::number(env, core.unknown_fields));
  js::set(env, out, "headerFields", part);
  part = js::object(env);
  js::set(env, part, "connections", js::number(env, core.taken_over));
  js::set(env, part, "requests", js::number(env, core.inherited_requests));
  js::set(env, part, "bytes", js::number(env, core.inherited));
  js::set(env, part, "refused", js::counts(env, core.refused));
  js::set(env, out, "takenOver", part);
  return out;
}

napi_value metrics_view(napi_env env, Session& session) {
  napi_value out = js::object(env), bounds = js::object(env), sides = js::array(env);
  for (size_t i = 0; i < kMetrics; i++) {
    Metric metric = static_cast<Metric>(i);
    napi_value list = js::array(env);
    size_t n = 0;
    for (double bound : metric_bounds(metric)) js::push(env, list, n++, js::number(env, bound));
    js::set(env, bounds, std::string(metric_name(metric)).c_str(), list);
  }
  size_t n = 0;
  for (const auto& service : session.red.services())
    for (bool server : {true, false})
      if (const RedSide& side = service->side(server); side.started > 0)
        js::push(env, sides, n++, red_side(env, *service, side, server));
  js::set(env, out, "boundsSeconds", bounds);
  js::set(env, out, "sides", sides);
  return out;
}

}  // namespace clover
