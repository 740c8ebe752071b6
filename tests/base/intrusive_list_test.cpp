#include "base/intrusive_list.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace iocpp {
namespace {

struct Item : Link {
  int number = 0;
};

class ThreeItems {
 public:
  ThreeItems() {
    for (int number = 0; number < 3; ++number) items_[static_cast<std::size_t>(number)].number = number;
  }
  Item& operator[](std::size_t index) { return items_[index]; }

 private:
  std::array<Item, 3> items_;
};

std::vector<int> take_all(LinkList& list) {
  std::vector<int> numbers;
  while (Link* link = list.pop_front()) numbers.push_back(static_cast<Item*>(link)->number);
  return numbers;
}

TEST(LinkList, a_new_list_is_empty) {
  LinkList list;
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.pop_front(), nullptr);
}

TEST(LinkList, items_leave_in_the_order_in_which_they_came) {
  LinkList list;
  ThreeItems items;
  for (const std::size_t index : {2U, 0U, 1U}) list.push_back(items[index]);
  EXPECT_FALSE(list.empty());
  EXPECT_EQ(take_all(list), (std::vector{2, 0, 1}));
  EXPECT_TRUE(list.empty());
}

TEST(LinkList, an_item_knows_whether_it_is_in_a_list) {
  LinkList list;
  Item item;
  EXPECT_FALSE(item.linked());
  list.push_back(item);
  EXPECT_TRUE(item.linked());
  list.pop_front();
  EXPECT_FALSE(item.linked());
}

TEST(LinkList, an_item_leaves_from_any_place_without_the_list_at_hand) {
  for (std::size_t leaver = 0; leaver < 3; ++leaver) {
    LinkList list;
    ThreeItems items;
    for (std::size_t index = 0; index < 3; ++index) list.push_back(items[index]);
    items[leaver].unlink();
    EXPECT_FALSE(items[leaver].linked());
    std::vector<int> others;
    for (std::size_t index = 0; index < 3; ++index) {
      if (index != leaver) others.push_back(items[index].number);
    }
    EXPECT_EQ(take_all(list), others) << "without item " << leaver;
  }
}

TEST(LinkList, an_item_that_left_may_come_back) {
  LinkList list;
  ThreeItems items;
  list.push_back(items[0]);
  list.push_back(items[1]);
  items[0].unlink();
  list.push_back(items[0]);
  EXPECT_EQ(take_all(list), (std::vector{1, 0}));
}

TEST(LinkList, splice_appends_the_other_list_and_empties_it) {
  LinkList list;
  LinkList other;
  ThreeItems items;
  list.push_back(items[0]);
  other.push_back(items[1]);
  other.push_back(items[2]);
  list.splice_back(other);
  EXPECT_TRUE(other.empty());
  EXPECT_EQ(take_all(list), (std::vector{0, 1, 2}));
}

TEST(LinkList, splice_works_with_an_empty_list_on_either_side) {
  LinkList list;
  LinkList other;
  ThreeItems items;
  list.splice_back(other);
  EXPECT_TRUE(list.empty());
  other.push_back(items[0]);
  list.splice_back(other);
  other.push_back(items[1]);
  list.splice_back(other);
  EXPECT_EQ(take_all(list), (std::vector{0, 1}));
  EXPECT_TRUE(other.empty());
}

TEST(LinkList, an_item_that_was_spliced_unlinks_from_its_new_list) {
  LinkList list;
  LinkList other;
  Item item;
  other.push_back(item);
  list.splice_back(other);
  item.unlink();
  EXPECT_TRUE(list.empty());
  EXPECT_TRUE(other.empty());
}

}  // namespace
}  // namespace iocpp
