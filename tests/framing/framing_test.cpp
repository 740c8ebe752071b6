// Messages out of a stream, however it is cut; limits; what is lent and what is kept.
#include "iocpp/framing.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/prng.hpp"
#include "iocpp/error.hpp"
#include "support/seeds.hpp"

namespace iocpp {
namespace {

using namespace std::string_literals;
using Bytes = std::span<const std::byte>;
using Texts = std::vector<std::string>;

Bytes bytes_of(std::string_view text) {
  return std::as_bytes(std::span{text});
}

std::string text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct Outcome {
  Texts messages{};
  FramingError error = FramingError::none;
  std::string kept{};
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  for (const std::string& message : outcome.messages) out << testing::PrintToString(message) << ", ";
  return out << to_string(outcome.error) << ", kept " << testing::PrintToString(outcome.kept);
}

/// The stream in pieces; `piece` says how long the next one is. Each lies in memory of its own size, so that a
/// sanitizer sees who reads past it.
Outcome read_in_pieces(const Framing& framing, std::string_view stream, const std::function<std::size_t()>& piece) {
  Outcome outcome;
  PartialMessage partial;
  while (!stream.empty() && outcome.error == FramingError::none) {
    const std::string_view part = stream.substr(0, piece());
    const std::vector<char> memory(part.begin(), part.end());
    const FramingResult result = framing.read(partial, std::as_bytes(std::span{memory}),
                                              [&](Bytes message) { outcome.messages.push_back(text_of(message)); });
    outcome.error = result.error;
    EXPECT_TRUE(!result || result.consumed == part.size());
    stream.remove_prefix(part.size());
  }
  outcome.kept = text_of(partial.bytes());
  return outcome;
}

Outcome read_whole(const Framing& framing, std::string_view stream) {
  return read_in_pieces(framing, stream, [] { return std::string_view::npos; });
}

/// However the stream is cut: in two at each byte, into single bytes, and into random pieces.
void expect_however_cut(const Framing& framing, std::string_view stream, const Outcome& expected) {
  EXPECT_EQ(read_whole(framing, stream), expected);
  for (std::size_t cut = 1; cut < stream.size(); ++cut) {
    bool first = true;
    const auto piece = [&] { return std::exchange(first, false) ? cut : stream.size(); };
    ASSERT_EQ(read_in_pieces(framing, stream, piece), expected) << "cut at " << cut;
  }
  for (const std::size_t size : {1U, 2U, 3U, 7U})
    ASSERT_EQ(read_in_pieces(framing, stream, [&] { return size; }), expected) << "pieces of " << size;
  for (std::uint64_t seed = 1; seed <= tests::seeds(100); ++seed) {
    Prng prng{seed};
    const std::uint64_t most = 1 + prng.below(40);
    ASSERT_EQ(read_in_pieces(framing, stream, [&] { return 1 + prng.below(most); }), expected) << "seed " << seed;
  }
}

std::string appended(const Framing& framing, const Texts& messages) {
  std::vector<std::byte> stream;
  for (const std::string& message : messages) framing.append(stream, bytes_of(message));
  return text_of(stream);
}

struct Rule {
  std::string name;
  LengthPrefix prefix;
  std::string of_five;  ///< The prefix of "hello".
};

std::ostream& operator<<(std::ostream& out, const Rule& rule) {
  return out << rule.name;
}

class LengthFraming : public testing::TestWithParam<Rule> {
 protected:
  static constexpr std::size_t longest = 200;
  static Framing framing() {
    LengthPrefix prefix = GetParam().prefix;
    prefix.message_bytes_max = longest;
    return Framing{prefix};
  }
};

INSTANTIATE_TEST_SUITE_P(
    Framing, LengthFraming,
    testing::Values(
        Rule{"one_byte", {.bytes = 1}, "\5"s}, Rule{"two_bytes", {.bytes = 2}, "\0\5"s},
        Rule{"two_bytes_little", {.bytes = 2, .order = std::endian::little}, "\5\0"s},
        Rule{"two_bytes_counted", {.bytes = 2, .counts_itself = true}, "\0\7"s}, Rule{"four_bytes", {}, "\0\0\0\5"s},
        Rule{"four_bytes_little_counted", {.order = std::endian::little, .counts_itself = true}, "\11\0\0\0"s},
        Rule{"eight_bytes", {.bytes = 8}, "\0\0\0\0\0\0\0\5"s},
        Rule{"eight_bytes_little", {.bytes = 8, .order = std::endian::little}, "\5\0\0\0\0\0\0\0"s}),
    [](const auto& tested) { return tested.param.name; });

TEST_P(LengthFraming, the_prefix_is_as_the_rule_has_it) {
  EXPECT_EQ(appended(framing(), {"hello"}), GetParam().of_five + "hello");
  EXPECT_EQ(read_whole(framing(), GetParam().of_five + "hello").messages, Texts{"hello"});
}

TEST_P(LengthFraming, messages_are_the_same_however_the_stream_is_cut) {
  const Texts messages{"hello", "", "a", std::string(longest, 'x'), "", "\0\0\0\0"s, std::string(77, '\377'), "end"};
  const std::string stream = appended(framing(), messages);
  expect_however_cut(framing(), stream, {messages, FramingError::none, ""});
  const std::string cut_off = stream.substr(0, stream.size() - 1);
  expect_however_cut(framing(), cut_off,
                     {Texts{messages.begin(), messages.end() - 1}, FramingError::none,
                      cut_off.substr(cut_off.size() - GetParam().of_five.size() - 2)});
}

TEST_P(LengthFraming, a_longer_message_is_an_error_behind_those_before_it) {
  LengthPrefix any_length = GetParam().prefix;
  const std::string stream =
      appended(framing(), {"one", "two"}) + appended(Framing{any_length}, {std::string(longest + 1, 'x')}) + "and more";
  expect_however_cut(framing(), stream, {{"one", "two"}, FramingError::too_long, ""});
}

TEST(LengthFraming, a_length_that_counts_itself_is_not_less_than_its_own_bytes) {
  const Framing framing{LengthPrefix{.bytes = 4, .counts_itself = true}};
  expect_however_cut(framing, "\0\0\0\4\0\0\0\3abc"s, {{""}, FramingError::bad_length, ""});
}

TEST(LengthFraming, the_largest_length_is_no_small_one) {
  for (const bool counts : {false, true}) {
    const Framing framing{LengthPrefix{.bytes = 8, .counts_itself = counts}};
    expect_however_cut(framing, std::string(20, '\377'), {{}, FramingError::too_long, ""});
  }
}

TEST(LengthFraming, what_could_not_be_read_is_not_appended) {
  const Framing byte{LengthPrefix{.bytes = 1, .counts_itself = true}};
  EXPECT_EQ(appended(byte, {std::string(254, 'x')}).size(), 255U);
  EXPECT_THROW(appended(byte, {std::string(255, 'x')}), std::length_error);
  EXPECT_THROW(appended(Framing{LengthPrefix{.message_bytes_max = 3}}, {"four"}), std::length_error);
  EXPECT_THROW(appended(Framing{Delimiter{.message_bytes_max = 3}}, {"four"}), std::length_error);
}

TEST(Framing, rules_out_of_range_are_refused) {
  const auto refuses = [](auto rule) {
    try {
      const Framing framing{rule};
    } catch (const std::system_error& error) {
      return error.code() == make_error_code(errc::invalid_argument);
    }
    return false;
  };
  for (const unsigned bytes : {0U, 3U, 5U, 16U}) EXPECT_TRUE(refuses(LengthPrefix{.bytes = bytes})) << bytes;
  EXPECT_TRUE(refuses(LengthPrefix{.message_bytes_max = SIZE_MAX}));
  EXPECT_TRUE(refuses(Delimiter{.text = ""}));
  EXPECT_TRUE(refuses(Delimiter{.text = std::string(65, 'x')}));
  EXPECT_TRUE(refuses(Delimiter{.message_bytes_max = SIZE_MAX}));
}

TEST(DelimiterFraming, messages_are_the_same_however_the_stream_is_cut) {
  const Texts messages{"hello", "", "a\rb", std::string(60, 'x'), "\r", "", "end"};
  for (const std::string& text : {"\n"s, "\r\n"s, "--boundary--"s, "\0"s}) {
    const Framing framing{Delimiter{.text = text, .message_bytes_max = 60}};
    const std::string stream = appended(framing, messages);
    expect_however_cut(framing, stream, {messages, FramingError::none, ""});
    expect_however_cut(framing, stream + "no end", {messages, FramingError::none, "no end"});
  }
}

TEST(DelimiterFraming, the_earliest_delimiter_counts_where_several_could) {
  const Framing pairs{Delimiter{.text = "aa"}};
  expect_however_cut(pairs, "xaaaaay", {{"x", ""}, FramingError::none, "ay"});
  const Framing triples{Delimiter{.text = "aab"}};
  expect_however_cut(triples, "aaabaabaab", {{"a", "", ""}, FramingError::none, ""});
}

TEST(DelimiterFraming, a_longer_message_is_an_error_behind_those_before_it) {
  for (const std::string& text : {"\n"s, "\r\n"s, "-----"s}) {
    const Framing framing{Delimiter{.text = text, .message_bytes_max = 10}};
    const std::string longest = appended(framing, {"one", "0123456789"});
    expect_however_cut(framing, longest, {{"one", "0123456789"}, FramingError::none, ""});
    expect_however_cut(framing, longest + "0123456789x" + text, {{"one", "0123456789"}, FramingError::too_long, ""});
    expect_however_cut(framing, longest + std::string(50, 'x'), {{"one", "0123456789"}, FramingError::too_long, ""});
  }
}

TEST(DelimiterFraming, a_carriage_return_may_belong_to_the_end_of_a_line) {
  const Framing framing{Delimiter{.text = "\n", .drop_carriage_return = true}};
  expect_however_cut(framing, "a\r\nb\n\r\n\nc\rd\r\r\n", {{"a", "b", "", "", "c\rd\r"}, FramingError::none, ""});
}

TEST(Framing, a_message_in_one_buffer_is_lent_from_there_and_only_its_beginning_is_kept) {
  const Framing framing{Delimiter{}};
  const std::string stream = "one\ntwo\nthr";
  PartialMessage partial;
  std::vector<const void*> places;
  EXPECT_TRUE(framing.read(partial, bytes_of(stream), [&](Bytes message) { places.push_back(message.data()); }));
  EXPECT_EQ(places, (std::vector<const void*>{stream.data(), stream.data() + 4}));
  EXPECT_EQ(text_of(partial.bytes()), "thr");
  const std::string rest = "ee\nfour\n";
  EXPECT_TRUE(framing.read(partial, bytes_of(rest), [&](Bytes message) {
    EXPECT_TRUE(partial.empty()) << "also during the callback";
    places.push_back(message.data());
  }));
  ASSERT_EQ(places.size(), 4U);
  EXPECT_EQ(places[3], rest.data() + 3);
  EXPECT_TRUE(partial.empty());
  static_assert(sizeof(PartialMessage) == sizeof(void*));
}

TEST(Framing, a_callback_that_stops_leaves_the_rest_to_the_caller) {
  const Framing framing{Delimiter{}};
  for (const std::string_view before : {"", "begun "}) {
    PartialMessage partial;
    EXPECT_TRUE(framing.read(partial, bytes_of(before), [](Bytes) { FAIL(); }));
    Texts messages;
    const FramingResult result = framing.read(partial, bytes_of("one\nSTOP\nother protocol"), [&](Bytes message) {
      messages.push_back(text_of(message));
      return messages.back() != "STOP";
    });
    EXPECT_TRUE(result.stopped);
    EXPECT_TRUE(result);
    EXPECT_EQ(result.consumed, 9U);
    EXPECT_EQ(messages, (Texts{std::string{before} + "one", "STOP"}));
    EXPECT_TRUE(partial.empty());
  }
}

TEST(Framing, a_callback_that_stops_may_replace_what_holds_the_partial_message) {
  const Framing framing{Delimiter{}};
  auto partial = std::make_unique<PartialMessage>();
  EXPECT_TRUE(framing.read(*partial, bytes_of("be"), [](Bytes) {}));
  const FramingResult result = framing.read(*partial, bytes_of("gin\nmore"), [&](Bytes) {
    partial.reset();
    return false;
  });
  EXPECT_EQ(result.consumed, 4U);
}

TEST(Framing, a_callback_that_throws_leaves_nothing_half_done) {
  const Framing framing{Delimiter{}};
  PartialMessage partial;
  EXPECT_TRUE(framing.read(partial, bytes_of("be"), [](Bytes) {}));
  const auto read = [&] {
    return framing.read(partial, bytes_of("gin\nmore"), [](Bytes) { throw std::runtime_error{"no"}; });
  };
  EXPECT_THROW(static_cast<void>(read()), std::runtime_error);
  EXPECT_TRUE(partial.empty());
}

}  // namespace
}  // namespace iocpp
