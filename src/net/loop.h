// Weir live-streaming server. MIT licence, see LICENSE.

// The io_context inside a Core. Included by core.cc and pollable.cc only: no other file sees Asio.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>

#include "net/core.h"

namespace weir::net {

struct Core::Loop {
  boost::asio::io_context io{1};  // concurrency hint 1: one thread runs it
  boost::asio::steady_timer timer{io};
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work;
};

}  // namespace weir::net
