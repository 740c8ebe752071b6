// Results, for a reader and for a script.
#pragma once

#include <ostream>

#include <nlohmann/json.hpp>

#include "stress/echo.hpp"
#include "stress/push.hpp"
#include "stress/slow.hpp"
#include "stress/storm.hpp"

namespace stress {

using Json = nlohmann::ordered_json;

void print(std::ostream& out, const StormResult& result);
void print(std::ostream& out, const EchoResult& result);
void print(std::ostream& out, const PushResult& result);
void print(std::ostream& out, const SlowResult& result);

/// Times are in the unit that the key ends with.
Json to_json(const StormResult& result);
Json to_json(const EchoResult& result);
Json to_json(const PushResult& result);
Json to_json(const SlowResult& result);

}  // namespace stress
