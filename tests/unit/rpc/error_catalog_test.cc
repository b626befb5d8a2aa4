// The catalogue of errors, and what the pages for people say of it.

#include "service/rpc/error_catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace gateway {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsSubsetOf;
using ::testing::UnorderedElementsAreArray;

std::string ContentsOf(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string RetryCell(const ErrorEntry& entry) {
  if (!entry.retry_after.has_value()) return "no";
  return absl::StrCat("after ", entry.retry_after->count() / 1000, " s");
}

// The table as docs/errors.md has it.
std::string CatalogAsMarkdown() {
  std::string table =
      "| Reason | gRPC code | Scope | Phase | Retry | What happened | Next step |\n"
      "|---|---|---|---|---|---|---|\n";
  for (const ErrorEntry& entry : ErrorCatalog()) {
    absl::StrAppend(&table, "| `", std::string(entry.name), "` | `",
                    std::string(GrpcCodeName(entry.code)), "` | ",
                    std::string(ScopeName(entry.scope)), " | ",
                    entry.phase ? std::string(PhaseName(*entry.phase)) : "it depends", " | ",
                    RetryCell(entry), " | ", std::string(entry.what), ": ",
                    std::string(entry.effect), " | ", std::string(entry.next_step), " |\n");
  }
  return table;
}

struct Told {
  std::string code;
  std::string reason;
  friend auto operator<=>(const Told&, const Told&) = default;
  friend void PrintTo(const Told& told, std::ostream* out) {
    *out << told.code << " " << told.reason;
  }
};

// What the catalogue has, but what no caller sees.
std::set<Told> ToldToCallers() {
  std::set<Told> told;
  for (const ErrorEntry& entry : ErrorCatalog()) {
    if (entry.reason == ErrorReason::kCallerGone || entry.reason == ErrorReason::kUnknownMethod) {
      continue;
    }
    told.insert({std::string(GrpcCodeName(entry.code)), std::string(entry.name)});
  }
  return told;
}

void AddReasons(const std::string& code, const std::string& text, std::set<Told>& told) {
  static const std::regex reason("`([A-Z]+(?:_[A-Z]+)*)`");
  for (std::sregex_iterator it(text.begin(), text.end(), reason), end; it != end; ++it) {
    told.insert({code, (*it)[1]});
  }
}

constexpr char kCodeCharacters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_";

// "- CODE if ... (`REASON`, ...)", over several lines, below each "Returns" of an RPC.
std::set<Told> ToldByProto(const char* page) {
  const std::string proto = ContentsOf(page);
  std::set<Told> told;
  for (size_t begin = proto.find("// Returns\n"); begin != std::string::npos;
       begin = proto.find("// Returns\n", begin + 1)) {
    const std::string list = proto.substr(begin, proto.find("// Trailer", begin) - begin);
    const std::vector<std::string> items = absl::StrSplit(list, "- ");
    for (const std::string& item : items) {
      const size_t code_end = item.find_first_not_of(kCodeCharacters);
      if (item.compare(std::min(code_end, item.size()), 3, " if") != 0) continue;
      AddReasons(item.substr(0, code_end), item.substr(code_end), told);
    }
  }
  return told;
}

// "| `CODE` | ... | `REASON`, ... |" of the page's table by gRPC code.
std::set<Told> ToldByCode() {
  const std::string page = ContentsOf(ERRORS_PAGE);
  const size_t begin = page.find("\nThe same by gRPC code:\n\n|");
  if (begin == std::string::npos) return {};
  const std::string section = page.substr(begin, page.find("|\n\n", begin) + 1 - begin);
  static const std::regex row("^\\| `([A-Z_]+)` \\|[^|]*\\|([^|]*)\\|$");
  std::set<Told> told;
  for (const auto& line : absl::StrSplit(section, '\n')) {
    const std::string text(line);
    std::smatch match;
    if (std::regex_match(text, match, row)) AddReasons(match[1], match[2], told);
  }
  return told;
}

TEST(ErrorCatalogTest, NamesEveryReasonOnce) {
  std::set<std::string_view> names;
  for (const ErrorEntry& entry : ErrorCatalog()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_EQ(EntryOf(entry.reason).name, entry.name);
  }
}

// Clients retry these two codes by themselves, so nothing that may have been executed has one.
TEST(ErrorCatalogTest, SaysThatARetryIsSafeOnlyWithACodeThatClientsRetry) {
  for (const ErrorEntry& entry : ErrorCatalog()) {
    const bool is_retried_by_clients = entry.code == grpc::StatusCode::UNAVAILABLE ||
                                       entry.code == grpc::StatusCode::RESOURCE_EXHAUSTED;
    const bool is_exception = entry.reason == ErrorReason::kQuotaReached ||
                              entry.reason == ErrorReason::kCallerBudgetReached;
    EXPECT_EQ(entry.retry_after.has_value(), is_retried_by_clients && !is_exception) << entry.name;
    EXPECT_EQ(entry.code == grpc::StatusCode::UNKNOWN, entry.reason == ErrorReason::kOutcomeUnknown)
        << entry.name;
  }
}

TEST(ErrorCatalogTest, SaysOfEveryErrorWhatItMeans) {
  for (const ErrorEntry& entry : ErrorCatalog()) {
    const std::string message = MessageOf(entry, "HTTP 422");
    EXPECT_THAT(message, HasSubstr(absl::StrCat(" (HTTP 422): ", std::string(entry.effect), ".")));
    EXPECT_THAT(std::string(entry.effect), AnyOf(HasSubstr("nothing"), HasSubstr("unknown")));
  }
}

TEST(ErrorCatalogTest, ThePageHasTheCataloguesTable) {
  const std::string table = CatalogAsMarkdown();
  EXPECT_TRUE(absl::StrContains(ContentsOf(ERRORS_PAGE), "\n\n" + table + "\n"))
      << "Put this into " << ERRORS_PAGE << ", between blank lines:\n"
      << table;
}

// Those of the operations service are told there.
TEST(ErrorCatalogTest, TheProtosNameEveryReasonWithItsCode) {
  const std::set<Told> of_operations = ToldByProto(OPERATIONS_PROTO_PAGE);
  EXPECT_THAT(of_operations, IsSubsetOf(ToldToCallers())) << OPERATIONS_PROTO_PAGE;
  std::set<Told> told = ToldByProto(PROTO_PAGE);
  for (const Told& reason : of_operations) {
    const ErrorEntry& entry = *std::ranges::find(ErrorCatalog(), reason.reason, &ErrorEntry::name);
    if (entry.reason >= ErrorReason::kRequestNotFound) told.insert(reason);
  }
  EXPECT_THAT(told, UnorderedElementsAreArray(ToldToCallers())) << PROTO_PAGE;
}

TEST(ErrorCatalogTest, TheProtoOfProfilesNamesReasonsWithTheirCodes) {
  const std::set<Told> told = ToldByProto(PROFILE_PROTO_PAGE);
  EXPECT_FALSE(told.empty());
  EXPECT_THAT(told, IsSubsetOf(ToldToCallers())) << PROFILE_PROTO_PAGE;
}

TEST(ErrorCatalogTest, ThePageNamesEveryReasonByItsCode) {
  EXPECT_THAT(ToldByCode(), UnorderedElementsAreArray(ToldToCallers())) << ERRORS_PAGE;
}

}  // namespace
}  // namespace gateway
