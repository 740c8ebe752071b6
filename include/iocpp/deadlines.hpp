// How long a connection may take for what. docs/DEADLINES.md says what each is for and what it costs.
#pragma once

#include <chrono>
#include <cstddef>

namespace iocpp {

/// Deadlines of every connection of a server. 0 is off, and all are by default: some servers speak first, some
/// protocols are quiet for days, and nobody should lose a connection to a rule that they did not ask for.
/// `Options::public_internet` turns on what a public port needs.
///
/// None is early; each is at most a few milliseconds late, or as late as a slow handler makes its shard. All are
/// measured by the monotonic clock. Where one is over the connection ends: at once, without waiting for the peer, and
/// with `errc::timed_out`. It is reset, so that the system keeps nothing for a peer that does not read (after an
/// orderly close it would, for minutes). Who wants to part politely closes first, in `Handler::on_timer`. While a
/// handler has paused receiving, or backpressure has, nothing can be received: what waits for bytes of the peer's waits
/// anew when it goes on.
struct Deadlines {
  /// From `on_connect` to the first byte received. Only for protocols in which the client speaks first. Up to 20 days.
  /// Ends with `idle_timeout`. Default: off, since a server that speaks first would lose its clients.
  std::chrono::milliseconds first_byte{0};

  /// Nothing was received for so long; not counted once the peer has ended its stream. Up to 20 days. Ends with
  /// `idle_timeout`. Default: off, since clients that only listen are usual.
  std::chrono::milliseconds idle_receive{0};

  /// Nothing was sent for so long, queued or not: for protocols whose server must say something now and then. Up to 20
  /// days. Ends with `idle_timeout`. Default: off, since servers that only receive are usual.
  std::chrono::milliseconds idle_send{0};

  /// Nothing was received and nothing sent for so long. Up to 20 days. Ends with `idle_timeout`. Default: off;
  /// `public_internet`: a minute, so that a silent client holds its handle for no longer.
  std::chrono::milliseconds idle{0};

  /// Bytes are queued, and the system took none of them for so long: the peer does not read. Also after `close`. Up to
  /// 20 days. Ends with `min_rate`. Default: off; `public_internet`: 30 s, in which TCP tries again some seven times.
  std::chrono::milliseconds write{0};

  /// From `on_connect`, whatever happens: no progress extends it. Up to a year. Ends with `lifetime`. Default: off;
  /// `public_internet`: a day, longer than anything that is not a leak.
  std::chrono::milliseconds lifetime{0};

  /// The peer's least bytes a second, both ways: between `Connection::begin_message` and `end_message` for what it
  /// sends, and as long as anything is queued for what it reads. A byte now and then, which no idle deadline sees, is
  /// too little. Counted in periods of `min_rate_grace`, each of which must bring its bytes. Ends with `min_rate`.
  /// Default: off; `public_internet`: 500, as Apache's mod_reqtimeout has it, far below any line in use.
  std::size_t min_rate_bytes = 0;

  /// How long such a period is, and so how long a message or a queue may take that brings nothing. 1 ms to 20 days.
  /// Default: 20 s, so that a lost packet or two harm nobody.
  std::chrono::milliseconds min_rate_grace{20'000};
};

}  // namespace iocpp
