// Runs a fuzz target's corpus once, each file as a test of its own.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

std::vector<std::string> CorpusFiles() {
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(GATEWAY_CORPUS)) {
    names.push_back(file.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

// Letters and digits only, as GoogleTest asks of a test's name.
std::string TestName(const testing::TestParamInfo<std::string>& file) {
  std::string name = file.param;
  std::erase_if(name, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); });
  return name;
}

// A target that finds something wrong ends the process, so a crash is the failure.
class CorpusTest : public testing::TestWithParam<std::string> {};

TEST_P(CorpusTest, IsTaken) {
  std::ifstream file(std::filesystem::path(GATEWAY_CORPUS) / GetParam(), std::ios::binary);
  ASSERT_TRUE(file.is_open());
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()),
            0);
}

// A corpus that was moved away fails here: GoogleTest wants every suite to have instances.
INSTANTIATE_TEST_SUITE_P(Corpus, CorpusTest, testing::ValuesIn(CorpusFiles()), TestName);

}  // namespace
