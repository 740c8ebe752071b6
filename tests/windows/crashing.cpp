// Ends in the way that its argument says. The checks of this room must notice each.
#include <cstdlib>
#include <limits>
#include <string_view>
#include <vector>

namespace {

// What the compiler cannot see it neither warns of nor checks by itself.
volatile int one = 1;
char* volatile block = nullptr;

void overrun(std::size_t bytes) {
  block = new char[bytes];
  block[bytes] = 1;
  delete[] block;
}

void use_after_free() {
  block = new char[64];
  delete[] block;
  block[0] = 1;
}

void overflow() {
  std::exit(std::numeric_limits<int>::max() + one == 0 ? 1 : 0);
}

void wrong_index() {
  const std::vector<int> numbers(3);
  std::exit(numbers[static_cast<std::size_t>(one) + 2] * 0);
}

}  // namespace

int main(int count, char** words) {
  const std::string_view way = count == 2 ? words[1] : "";
  if (way == "overrun") overrun(64);
  if (way == "overrun_within_the_page") overrun(61);  // three bytes are between its end and the guard page
  if (way == "use_after_free") use_after_free();
  if (way == "overflow") overflow();
  if (way == "wrong_index") wrong_index();
  if (way == "null") *block = 1;
  return way == "not_at_all" ? 0 : 99;
}
