"""The check of what the shared library shows must find what is too much and what is too little."""

import unittest

import exports

HEADER = """
class Server {
 public:
  IOCPP_EXPORT Server(Options options);
  IOCPP_EXPORT ~Server();
  /// IOCPP_EXPORT void quoted();
  [[nodiscard]] IOCPP_EXPORT std::error_code send(ConnectionId id,
                                                  std::vector<std::byte> bytes);
  Counters counters() const;

 private:
  class Running;
};
IOCPP_EXPORT const std::error_category& category() noexcept;
"""
SHOWN = {"iocpp::Server::Server(iocpp::Options)", "iocpp::Server::~Server()",
         "iocpp::Server::send(iocpp::ConnectionId, std::vector<std::byte>)", "iocpp::category()"}


class Exports(unittest.TestCase):
    def objections(self, shown, compiled=frozenset()):
        return list(exports.objections(exports.Api([HEADER]), shown, SHOWN | compiled))

    def test_the_api_alone_is_right(self):
        self.assertEqual(self.objections(SHOWN), [])

    def test_internals_are_not_to_be_shown(self):
        for symbol in ("iocpp::core::Core::adopt(int)", "iocpp::Server::Running::start()", "iocpp::Server::secret()",
                       "std::vector<int>::push_back(int)", "main", "vtable for iocpp::Handler"):
            with self.subTest(symbol):
                self.assertEqual(len(self.objections(SHOWN | {symbol})), 1)

    def test_what_is_marked_is_to_be_shown(self):
        self.assertEqual(len(self.objections(SHOWN - {"iocpp::category()"})), 2)  # Marked, and compiled.

    def test_a_function_that_nobody_marked_is_noticed(self):
        self.assertEqual(len(self.objections(SHOWN, {"iocpp::Server::counters() const"})), 1)
        self.assertEqual(self.objections(SHOWN, {"iocpp::Server::Running::counters()", "iocpp::core::counters()",
                                                  "iocpp::parse(int)"}), [])


if __name__ == "__main__":
    unittest.main()
