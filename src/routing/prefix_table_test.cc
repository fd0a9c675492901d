#include "routing/prefix_table.h"

#include <map>
#include <random>

#include <gtest/gtest.h>

namespace smppd::routing {
namespace {

class Table : public testing::Test {
 protected:
  Table() {
    for (const char* name : {"alpha", "beta", "carrier, two", "say \"hi\""}) (void)names.upstreams.intern(name);
  }
  PrefixTable parse(std::string_view text) {
    auto table = PrefixTable::parse(text, "plan.csv", names);
    EXPECT_TRUE(table.has_value()) << table.error();
    return table ? std::move(*table) : PrefixTable();
  }
  std::string errors(std::string_view text) {
    const auto table = PrefixTable::parse(text, "plan.csv", names);
    return table ? "" : table.error();
  }
  std::string find(const PrefixTable& table, std::string_view number, std::uint8_t ton = 1) {
    std::string found;
    for (const message::UpstreamId id : table.find(message::normalise(ton, number))) {
      found += (found.empty() ? "" : " ") + std::string(names.upstreams.name(id));
    }
    return found;
  }

  message::Names names;
};

TEST_F(Table, LongestPrefixWins) {
  const PrefixTable table = parse("258,alpha\n25884,beta\n+27,beta\n");
  EXPECT_EQ(find(table, "258841234567"), "beta");
  EXPECT_EQ(find(table, "258821234567"), "alpha");
  EXPECT_EQ(find(table, "+27821234567", 0), "beta");
  EXPECT_EQ(find(table, "1"), "");
  EXPECT_EQ(table.size(), 3U);
}

TEST_F(Table, StarCoversTheRest) {
  const PrefixTable table = parse("*,alpha\n258*,beta\n");
  EXPECT_EQ(find(table, "258"), "beta");
  EXPECT_EQ(find(table, "1"), "alpha");
  EXPECT_EQ(find(table, ""), "alpha");
}

TEST_F(Table, APrefixWithPlusIsOnlyForInternationalNumbers) {
  const PrefixTable table = parse("+84,alpha\n8,beta\n");
  EXPECT_EQ(find(table, "841234567", 1), "alpha");
  EXPECT_EQ(find(table, "841234567", 2), "beta");
}

TEST_F(Table, CommentsEmptyLinesCarriageReturnsByteOrderMarkAndHeaderAreRead) {
  const PrefixTable table =
      parse("\xEF\xBB\xBF# a plan\r\n\r\nPrefix , Upstream , Cost\r\n 258 , alpha , 0.01\r\n  # more\r\n27,beta,\r\n");
  EXPECT_EQ(find(table, "258"), "alpha");
  EXPECT_EQ(find(table, "27"), "beta");
}

TEST_F(Table, AHeaderMayOrderColumnsAndNameOthers) {
  const PrefixTable table = parse("country,upstream,prefix\nMozambique,alpha,258\n\"South, Africa\",beta,27\n");
  EXPECT_EQ(find(table, "258"), "alpha");
  EXPECT_EQ(find(table, "27"), "beta");
}

TEST_F(Table, QuotedFieldsHoldCommasAndQuotes) {
  const PrefixTable table = parse("258,\"carrier, two\"\n\"27\",\"say \"\"hi\"\"\" \n");
  EXPECT_EQ(find(table, "258"), "carrier, two");
  EXPECT_EQ(find(table, "27"), "say \"hi\"");
}

TEST_F(Table, ChoicesOfOnePrefixGoFromCheapToDearAndThoseWithoutCostLast) {
  const PrefixTable table = parse("258,alpha,0.03\n258,beta,0.01\n258,\"carrier, two\"\n");
  EXPECT_EQ(find(table, "258"), "beta alpha carrier, two");
}

TEST_F(Table, ReportsEveryErrorWithItsLine) {
  const std::string text = errors(
      "258,alpha\n"
      "abc,alpha\n"
      "27\n"
      "27,nobody\n"
      "27,alpha,cheap\n"
      "27,alpha,-1\n"
      "27,alpha,1,2\n"
      "27,\"alpha\n"
      "27,\"alpha\"x\n"
      ",alpha\n"
      "258,alpha,5\n");
  for (const char* part :
       {"plan.csv:2: 'abc' is not a prefix", "plan.csv:3: a line has two or three", "plan.csv:4: the upstream 'nobody'",
        "plan.csv:5: 'cheap' is not a cost", "plan.csv:6: '-1' is not a cost", "plan.csv:7: a line has two or three",
        "plan.csv:8: a quoted field", "plan.csv:9: a quoted field", "plan.csv:10: '' is not a prefix",
        "plan.csv:11: the prefix and upstream of line 1 again"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\nin\n" << text;
  }
  EXPECT_EQ(text.find("plan.csv:1:"), std::string::npos);
}

TEST_F(Table, StopsListingErrorsAtFifty) {
  std::string text;
  for (int i = 0; i < 60; ++i) text += "x,alpha\n";
  EXPECT_NE(errors(text).find("and 10 more"), std::string::npos);
}

TEST_F(Table, RefusesAnEmptyTableAMissingFileAndAHeaderWithoutItsColumns) {
  EXPECT_EQ(errors("# nothing\n"), "plan.csv: the table is empty");
  EXPECT_NE(errors("prefix,cost\n258,1\n259,1\n").find("plan.csv:1: the header"), std::string::npos);
  const auto missing = PrefixTable::load("/nonexistent/plan.csv", names);
  ASSERT_FALSE(missing.has_value());
  EXPECT_NE(missing.error().find("/nonexistent/plan.csv: cannot be opened"), std::string::npos);
}

TEST_F(Table, HoldsNoMoreThanEightChoicesAPrefix) {
  std::string text;
  for (int i = 0; i < 9; ++i) {
    (void)names.upstreams.intern("u" + std::to_string(i));
    text += "258,u" + std::to_string(i) + "\n";
  }
  EXPECT_NE(errors(text).find("plan.csv:9: a prefix has at most 8"), std::string::npos);
}

TEST_F(Table, FindsWhatAMapFindsAmongAHundredThousandRows) {
  std::mt19937 random(9);
  std::map<std::string, const char*> naive;
  std::string text;
  while (naive.size() < 100'000) {
    const char* upstream = random() % 2 == 0 ? "alpha" : "beta";
    const std::string prefix = std::to_string(1000 + random() % 9'000'000);
    if (naive.emplace(prefix, upstream).second) text += prefix + "," + upstream + "\n";
  }
  const PrefixTable table = parse(text);
  EXPECT_EQ(table.size(), naive.size());
  for (int i = 0; i < 5'000; ++i) {
    const std::string number = std::to_string(100'000'000 + random() % 900'000'000);
    std::string expected;
    for (std::size_t length = 1; length <= number.size(); ++length) {
      const auto at = naive.find(number.substr(0, length));
      if (at != naive.end()) expected = at->second;
    }
    ASSERT_EQ(find(table, number), expected) << number;
  }
}

}  // namespace
}  // namespace smppd::routing
