// What a server has done, for a reader and for a script.
#pragma once

#include <ostream>

#include <iocpp/iocpp.hpp>
#include <nlohmann/json.hpp>

void print(std::ostream& out, const iocpp::Counters& counters, const iocpp::DrainReport& drain);

/// The keys are the members' names; `disconnected` is an object by reason.
nlohmann::ordered_json to_json(const iocpp::Counters& counters);
nlohmann::ordered_json to_json(const iocpp::DrainReport& drain);
