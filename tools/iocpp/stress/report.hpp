// Results, for a reader and for a script.
#pragma once

#include <ostream>

#include <nlohmann/json.hpp>

#include "program/figures.hpp"
#include "stress/echo.hpp"
#include "stress/idle.hpp"
#include "stress/push.hpp"
#include "stress/slow.hpp"
#include "stress/storm.hpp"

namespace stress {

using Json = nlohmann::ordered_json;

/// What a terminal and a page show.
program::Figures figures_of(const StormResult& result);
program::Figures figures_of(const EchoResult& result);
program::Figures figures_of(const PushResult& result);
program::Figures figures_of(const SlowResult& result);
program::Figures figures_of(const IdleResult& result);

void print(std::ostream& out, const program::Figures& figures);

/// Times are in the unit that the key ends with.
Json to_json(const StormResult& result);
Json to_json(const EchoResult& result);
Json to_json(const PushResult& result);
Json to_json(const SlowResult& result);
Json to_json(const IdleResult& result);

}  // namespace stress
