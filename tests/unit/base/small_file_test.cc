#include "service/base/small_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "tests/support/temporary_folder.h"

namespace gateway {
namespace {

namespace fs = std::filesystem;

class SmallFileTest : public testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.File(name), std::ios::binary | std::ios::trunc) << text;
  }

  const TemporaryFolder folder_;
};

TEST_F(SmallFileTest, IsReadWhole) {
  for (const size_t size : {0U, 1U, 4095U, 4096U, 4097U, 10000U}) {
    const std::string text(size, 'x');
    Write("file", text);
    EXPECT_EQ(ReadSmallFile(folder_.File("file"), 10000)->text, text);
  }
}

TEST_F(SmallFileTest, IsCutOneByteBeyondTheMaximum) {
  Write("file", std::string(12, 'x'));
  EXPECT_EQ(ReadSmallFile(folder_.File("file"), 10)->text.size(), 11U);
}

// Its size is 0 for stat.
TEST_F(SmallFileTest, IsReadWholeWhateverItsSizeSays) {
  const auto file = ReadSmallFile("/proc/self/status", 100'000);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_GT(file->text.size(), 100U);
  EXPECT_EQ(ReadSmallFile("/proc/self/status", 100)->text.size(), 101U);
}

TEST_F(SmallFileTest, SaysWhetherThereIsOne) {
  EXPECT_TRUE(absl::IsNotFound(ReadSmallFile(folder_.File("file"), 10).status()));
}

TEST_F(SmallFileTest, SaysWhoElseMayDoWhat) {
  Write("file", "a");
  const std::string path = folder_.File("file");
  const auto with = [&](int mode) {
    fs::permissions(path, fs::perms(mode));
    return *ReadSmallFile(path, 10);
  };
  EXPECT_FALSE(with(0600).IsWritableByOthers());
  EXPECT_TRUE(with(0620).IsWritableByOthers());
  EXPECT_TRUE(with(0602).IsWritableByOthers());
  EXPECT_FALSE(with(0640).IsReadableByAnybody());
  EXPECT_TRUE(with(0604).IsReadableByAnybody());
}

TEST_F(SmallFileTest, IsARegularFile) {
  EXPECT_EQ(ReadSmallFile(folder_.path(), 10).status().message(), "it is not a regular file");
  EXPECT_EQ(ReadSmallFile("/dev/null", 10).status().message(), "it is not a regular file");
}

TEST_F(SmallFileTest, HasAnotherIdentityAfterEachKindOfChange) {
  Write("file", "a");
  const std::string path = folder_.File("file");
  const FileIdentity before = IdentityOfFile(path);
  EXPECT_EQ(IdentityOfFile(path), before);
  // Equal content, size and time of modification: a new file all the same.
  fs::copy_file(path, folder_.File("next"));
  fs::last_write_time(folder_.File("next"), fs::last_write_time(path));
  fs::rename(folder_.File("next"), path);
  const FileIdentity replaced = IdentityOfFile(path);
  EXPECT_NE(replaced, before);
  fs::permissions(path, fs::perms(0400));
  EXPECT_NE(IdentityOfFile(path), replaced);
  fs::remove(path);
  EXPECT_EQ(IdentityOfFile(path), FileIdentity());
}

TEST_F(SmallFileTest, HasAnotherIdentityThroughAnotherSymlink) {
  Write("a", "x");
  Write("b", "x");
  fs::create_symlink("a", folder_.File("link"));
  const FileIdentity before = IdentityOfFile(folder_.File("link"));
  fs::create_symlink("b", folder_.File("next"));
  fs::rename(folder_.File("next"), folder_.File("link"));
  EXPECT_NE(IdentityOfFile(folder_.File("link")), before);
}

}  // namespace
}  // namespace gateway
