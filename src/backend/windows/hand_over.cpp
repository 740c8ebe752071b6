#include "backend/hand_over.hpp"

#include <system_error>

#include "iocpp/error.hpp"

namespace iocpp::backend {
namespace {

/// A listening socket stays tied to the completion port that it was first used with. FileReplaceCompletionInformation
/// would free it; nobody has tried that here.
[[noreturn]] void refuse() {
  throw std::system_error(make_error_code(errc::not_supported), "Options::hand_over_path: not on Windows");
}

}  // namespace

std::unique_ptr<MeetingPoint> MeetingPoint::make(const std::string&) {
  refuse();
}

std::unique_ptr<Predecessor> Predecessor::meet(const std::string&) {
  refuse();
}

}  // namespace iocpp::backend
