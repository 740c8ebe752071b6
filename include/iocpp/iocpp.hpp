// Everything of iocpp's public API.
#pragma once

#include <iocpp/accept_health.hpp>
#include <iocpp/address.hpp>
#include <iocpp/connection.hpp>
#include <iocpp/counters.hpp>
#include <iocpp/deadlines.hpp>
#include <iocpp/error.hpp>
#include <iocpp/framing.hpp>
#include <iocpp/handler.hpp>
#include <iocpp/limits.hpp>
#include <iocpp/options.hpp>
#include <iocpp/proxy_protocol.hpp>
#include <iocpp/server.hpp>
#include <iocpp/systemd.hpp>
#include <iocpp/version.hpp>
