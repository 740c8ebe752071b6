#include "stage/proxy_protocol.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/address_text.hpp"
#include "simulator/proxy_headers.hpp"

namespace iocpp::stage {
namespace {

using simulator::address_block;
using simulator::ipv4;
using simulator::proxy_block;
using simulator::tlv;

constexpr std::size_t bytes_max = 4096;

ReadHeader read(std::string_view text) {
  return read_proxy_header(std::as_bytes(std::span{text}), bytes_max);
}

std::string describe(const ReadHeader& read) {
  if (std::holds_alternative<MoreNeeded>(read)) return "more";
  if (const auto* failure = std::get_if<ProxyFailure>(&read)) return std::string{to_string(*failure)};
  const WholeHeader& whole = *std::get_if<WholeHeader>(&read);
  std::string text = "v" + std::to_string(whole.header.version) + " " + std::to_string(whole.bytes);
  if (whole.header.local) text += " local";
  if (whole.header.source.family != Address::Family::none)
    text += " " + whole.header.source.to_string() + " > " + whole.header.destination.to_string();
  if (!whole.header.tlvs.empty()) text += " tlvs " + std::to_string(whole.header.tlvs.size());
  return text;
}

std::string with_payload(std::string_view header) {
  return std::string{header} + "GET / HTTP/1.1\r\n";
}

const Address client = ipv4(192, 0, 2, 1, 56324);
const Address server = ipv4(198, 51, 100, 7, 443);

Address ipv6(std::string_view text, std::uint16_t port) {
  Address address = parse_ipv6(text).value();
  address.port = port;
  return address;
}

const Address client6 = ipv6("2001:db8::1", 4096);
const Address server6 = ipv6("2001:db8::2", 80);

struct Row {
  std::string name;
  std::string bytes;
  std::string expected;
};

std::ostream& operator<<(std::ostream& out, const Row& row) {
  return out << row.name;
}

class ProxyHeaderRow : public testing::TestWithParam<Row> {};

TEST_P(ProxyHeaderRow, is_read_as_specified) {
  EXPECT_EQ(describe(read(GetParam().bytes)), GetParam().expected);
}

std::vector<Row> lines() {
  const std::string longest =
      "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n";
  return {
      {"tcp4", "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n", "v1 45 192.0.2.1:56324 > 198.51.100.7:443"},
      {"tcp4_and_payload", with_payload("PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n"),
       "v1 45 192.0.2.1:56324 > 198.51.100.7:443"},
      {"tcp4_extremes", "PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n", "v1 44 0.0.0.0:0 > 255.255.255.255:65535"},
      {"tcp6", "PROXY TCP6 2001:db8::1 ::1 4096 80\r\n", "v1 36 [2001:db8::1]:4096 > [::1]:80"},
      {"tcp6_upper_case", "PROXY TCP6 2001:DB8::A ::1 1 2\r\n", "v1 32 [2001:db8::a]:1 > [::1]:2"},
      {"tcp6_mapped", "PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c633:6407 1 2\r\n", "v1 50 192.0.2.1:1 > 198.51.100.7:2"},
      {"unknown", "PROXY UNKNOWN\r\n", "v1 15"},
      {"unknown_and_anything", "PROXY UNKNOWN \r \n what\r\nmore", "v1 24"},
      {"unknown_longest", longest, "v1 107"},
      {"unknown_too_long", "PROXY UNKNOWN " + std::string(92, 'x') + "\r\n", "line_too_long"},
      {"unknown_word", "PROXY UNKNOWNS\r\n", "bad_line"},
      {"no_end_of_line", "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r", "more"},
      {"lone_line_feed", "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\n", "bad_line"},
      {"lone_line_feed_and_no_end", "PROXY TCP4 192.0.2.1\n" + std::string(97, 'x'), "bad_line"},
      {"carriage_return_inside", "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\rx\r\n", "bad_line"},
      {"never_ends", "PROXY TCP4 " + std::string(97, '1'), "line_too_long"},
      {"ends_past_107", "PROXY TCP6 " + std::string(95, '1') + "\r\n", "line_too_long"},
      {"lower_case", "proxy TCP4 192.0.2.1 198.51.100.7 1 2\r\n", "not_a_header"},
      {"no_proxy_1", "GET / HTTP/1.1\r\n", "not_a_header"},
      {"no_proxy_2", "PROXYTCP4", "not_a_header"},
      {"udp4", "PROXY UDP4 192.0.2.1 198.51.100.7 1 2\r\n", "bad_line"},
      {"tcp5", "PROXY TCP5 ", "bad_line"},
      {"tcp4_alone", "PROXY TCP4\r\n", "bad_line"},
      {"tcp4_of_ipv6", "PROXY TCP4 ::1 ::1 1 2\r\n", "bad_line"},
      {"tcp6_of_ipv4", "PROXY TCP6 192.0.2.1 198.51.100.7 1 2\r\n", "bad_line"},
      {"two_spaces", "PROXY TCP4  192.0.2.1 198.51.100.7 1 2\r\n", "bad_line"},
      {"space_at_the_end", "PROXY TCP4 192.0.2.1 198.51.100.7 1 2 \r\n", "bad_line"},
      {"tab", "PROXY TCP4 192.0.2.1\t198.51.100.7 1 2\r\n", "bad_line"},
      {"no_port", "PROXY TCP4 192.0.2.1 198.51.100.7 1\r\n", "bad_line"},
      {"five_fields", "PROXY TCP4 192.0.2.1 198.51.100.7 1 2 3\r\n", "bad_line"},
      {"leading_zero", "PROXY TCP4 192.0.2.01 198.51.100.7 1 2\r\n", "bad_line"},
      {"port_leading_zero", "PROXY TCP4 192.0.2.1 198.51.100.7 01 2\r\n", "bad_line"},
      {"port_65536", "PROXY TCP4 192.0.2.1 198.51.100.7 65536 2\r\n", "bad_line"},
      {"port_sign", "PROXY TCP4 192.0.2.1 198.51.100.7 +1 2\r\n", "bad_line"},
      {"port_negative", "PROXY TCP4 192.0.2.1 198.51.100.7 1 -2\r\n", "bad_line"},
      {"port_empty", "PROXY TCP4 192.0.2.1 198.51.100.7 1 \r\n", "bad_line"},
      {"octet_256", "PROXY TCP4 192.0.2.256 198.51.100.7 1 2\r\n", "bad_line"},
      {"three_octets", "PROXY TCP4 192.0.2 198.51.100.7 1 2\r\n", "bad_line"},
      {"five_octets", "PROXY TCP4 192.0.2.1.1 198.51.100.7 1 2\r\n", "bad_line"},
      {"null_byte", std::string{"PROXY TCP4 192.0.2.1\0 198.51.100.7 1 2\r\n", 41}, "bad_line"},
      {"scope", "PROXY TCP6 fe80::1%1 ::1 1 2\r\n", "bad_line"},
  };
}

std::string unix_block(std::string_view tlvs = {}) {
  return std::string(216, 'u').append(tlvs);
}

std::vector<Row> blocks() {
  const std::string plain = proxy_block(client, server);
  const std::string alpn = tlv(0x01, "h2");
  std::string altered = simulator::proxy_block_with_checksum(client, server, alpn);
  altered[17] ^= 1;
  const std::string two_sums = tlv(0x03, std::string(4, '\0')) + tlv(0x03, std::string(4, '\0'));
  return {
      {"ipv4", plain, "v2 28 192.0.2.1:56324 > 198.51.100.7:443"},
      {"ipv4_and_payload", with_payload(plain), "v2 28 192.0.2.1:56324 > 198.51.100.7:443"},
      {"ipv6", proxy_block(client6, server6), "v2 52 [2001:db8::1]:4096 > [2001:db8::2]:80"},
      {"ipv6_mapped", proxy_block(ipv6("::ffff:192.0.2.1", 1), server6), "v2 52 192.0.2.1:1 > [2001:db8::2]:80"},
      {"udp4", proxy_block(0x21, 0x12, address_block(client, server)), "v2 28 192.0.2.1:56324 > 198.51.100.7:443"},
      {"unix", proxy_block(0x21, 0x31, unix_block()), "v2 232"},
      {"unix_and_tlv", proxy_block(0x21, 0x31, unix_block(alpn)), "v2 237 tlvs 5"},
      {"unspecified", proxy_block(0x21, 0x00, ""), "v2 16"},
      {"unspecified_with_a_block", proxy_block(0x21, 0x00, "whatever"), "v2 24"},
      {"unspecified_protocol", proxy_block(0x21, 0x10, "short"), "v2 21"},
      {"local", proxy_block(0x20, 0x00, ""), "v2 16 local"},
      {"local_of_ipv4", proxy_block(0x20, 0x11, address_block(client, server)), "v2 28 local"},
      {"local_of_no_family", proxy_block(0x20, 0xff, "?"), "v2 17 local"},
      {"tlvs", proxy_block(client, server, alpn + tlv(0xe0, "")), "v2 36 192.0.2.1:56324 > 198.51.100.7:443 tlvs 8"},
      {"checksum", simulator::proxy_block_with_checksum(client, server, alpn),
       "v2 40 192.0.2.1:56324 > 198.51.100.7:443 tlvs 12"},
      {"checksum_and_payload", with_payload(simulator::proxy_block_with_checksum(client, server)),
       "v2 35 192.0.2.1:56324 > 198.51.100.7:443 tlvs 7"},
      {"altered", altered, "bad_checksum"},
      {"checksum_of_3_bytes", proxy_block(client, server, tlv(0x03, "abc")), "bad_tlv"},
      {"two_checksums", proxy_block(client, server, two_sums), "bad_tlv"},
      {"tlv_past_the_end", proxy_block(client, server, std::string{"\x01\x00\x03h2", 5}), "bad_tlv"},
      {"tlv_past_the_end_and_payload", with_payload(proxy_block(client, server, std::string{"\x01\x00\x03h2", 5})),
       "bad_tlv"},
      {"tlv_of_64_kib", proxy_block(client, server, std::string{"\x01\xff\xffh2", 5}), "bad_tlv"},
      {"half_a_tlv", proxy_block(client, server, std::string{"\x01\x00", 2}), "bad_tlv"},
      {"ipv4_too_short", proxy_block(0x21, 0x11, std::string(11, 'x')), "header_too_short"},
      {"ipv6_too_short", proxy_block(0x21, 0x21, std::string(35, 'x')), "header_too_short"},
      {"unix_too_short", proxy_block(0x21, 0x31, std::string(215, 'x')), "header_too_short"},
      {"too_short_before_its_end", proxy_block(0x21, 0x11, std::string(11, 'x')).substr(0, 16), "header_too_short"},
      {"longest", proxy_block(client, server, tlv(0x04, std::string(bytes_max - 31, 'x'))),
       "v2 4096 192.0.2.1:56324 > 198.51.100.7:443 tlvs 4068"},
      {"too_long", proxy_block(client, server, tlv(0x04, std::string(bytes_max - 30, 'x'))), "header_too_long"},
      {"too_long_local", proxy_block(0x20, 0x00, std::string(bytes_max, 'x')).substr(0, 16), "header_too_long"},
      {"version_1", proxy_block(0x11, 0x11, address_block(client, server)), "bad_version"},
      {"version_3", proxy_block(0x31, 0x11, "").substr(0, 13), "bad_version"},
      {"command_2", proxy_block(0x22, 0x11, "").substr(0, 13), "bad_command"},
      {"family_4", proxy_block(0x21, 0x41, ""), "bad_family"},
      {"protocol_3", proxy_block(0x21, 0x13, ""), "bad_family"},
      {"signature_alone", proxy_block(0x21, 0x11, "").substr(0, 12), "more"},
      {"other_signature", "\r\n\r\nQ", "not_a_header"},
      {"nothing", "", "more"},
  };
}

std::string name_of(const testing::TestParamInfo<Row>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Version1, ProxyHeaderRow, testing::ValuesIn(lines()), name_of);
INSTANTIATE_TEST_SUITE_P(Version2, ProxyHeaderRow, testing::ValuesIn(blocks()), name_of);

/// Those rows that are headers, or that are none.
std::vector<Row> rows(bool good) {
  std::vector<Row> all = lines();
  std::ranges::move(blocks(), std::back_inserter(all));
  std::erase_if(all, [good](const Row& row) { return row.expected.starts_with("v") != good; });
  return all;
}

TEST(ProxyHeader, asks_for_more_until_the_last_byte) {
  for (const Row& row : rows(true)) {
    const ReadHeader whole = read(row.bytes);
    const std::string_view header = std::string_view{row.bytes}.substr(0, std::get<WholeHeader>(whole).bytes);
    for (std::size_t bytes = 0; bytes < header.size(); ++bytes)
      EXPECT_EQ(describe(read(header.substr(0, bytes))), "more") << row.name << ": " << bytes;
    EXPECT_EQ(describe(read(header)), describe(whole)) << row.name;
  }
}

TEST(ProxyHeader, a_failure_stays_the_same_whatever_follows) {
  for (const Row& row : rows(false)) {
    std::string failure;
    for (std::size_t bytes = 0; bytes <= row.bytes.size(); ++bytes) {
      const std::string said = describe(read(std::string_view{row.bytes}.substr(0, bytes)));
      if (failure.empty() && said != "more") failure = said;
      EXPECT_TRUE(failure.empty() || said == failure) << row.name << ": " << bytes << ", " << said;
    }
  }
}

TEST(ProxyHeader, its_tlvs_are_found_by_type) {
  const std::string bytes = proxy_block(client, server, tlv(0x01, "h2") + tlv(0x05, "") + tlv(0x01, "again"));
  const ProxyHeader header = std::get<WholeHeader>(read(bytes)).header;
  const auto alpn = header.tlv(0x01);
  ASSERT_TRUE(alpn);
  EXPECT_EQ((std::string{reinterpret_cast<const char*>(alpn->data()), alpn->size()}), "h2");
  ASSERT_TRUE(header.tlv(0x05));
  EXPECT_TRUE(header.tlv(0x05)->empty());
  EXPECT_FALSE(header.tlv(0x02));
  EXPECT_FALSE(ProxyHeader{}.tlv(0x01));
}

TEST(ProxyHeader, never_waits_for_more_than_its_bound) {
  for (const std::string& start : {std::string{"PROXY TCP4 "}, std::string{"PROXY UNKNOWN"}}) {
    const std::string line = start + std::string(line_bytes_max - start.size(), 'x');
    EXPECT_EQ(describe(read(line)), "line_too_long");
  }
  EXPECT_EQ(describe(read(proxy_block(0x21, 0x11, std::string(65535, 'x')).substr(0, 16))), "header_too_long");
}

/// RFC 3720, B.4: what iSCSI's CRC of some blocks is.
TEST(Crc32c, is_castagnolis) {
  EXPECT_EQ(crc32c(std::vector<std::byte>(32)), 0x8a9136aaU);
  EXPECT_EQ(crc32c(std::vector<std::byte>(32, std::byte{0xff})), 0x62a8ab43U);
  EXPECT_EQ(crc32c(std::as_bytes(std::span{std::string_view{"123456789"}})), 0xe3069283U);
}

}  // namespace
}  // namespace iocpp::stage
