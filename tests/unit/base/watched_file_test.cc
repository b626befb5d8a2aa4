#include "service/base/watched_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "tests/support/temporary_folder.h"

namespace gateway {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class WatchedFileTest : public testing::Test {
 protected:
  void Write(std::string_view text) const {
    std::ofstream(path_ + ".draft", std::ios::binary) << text;
    fs::permissions(path_ + ".draft", fs::perms(0600));
    fs::rename(path_ + ".draft", path_);
  }

  // Accepts what begins with "good".
  absl::StatusOr<std::string> Read() {
    return file_.Read([](std::string_view text) -> absl::StatusOr<std::string> {
      if (text.starts_with("good")) return std::string(text);
      return absl::InvalidArgumentError("it is not good");
    });
  }

  const TemporaryFolder folder_;
  const std::string path_ = folder_.File("rules");
  WatchedFile file_{{.path = path_, .what = "rules file", .max_bytes = 10}};
};

TEST_F(WatchedFileTest, AFileThatIsAcceptedIsUnchangedUntilItChanges) {
  Write("good");
  EXPECT_FALSE(file_.IsUnchanged());
  EXPECT_EQ(*Read(), "good");
  EXPECT_TRUE(file_.IsUnchanged());
  Write("good, too");
  EXPECT_FALSE(file_.IsUnchanged());
  EXPECT_EQ(*Read(), "good, too");
  EXPECT_TRUE(file_.IsUnchanged());
  fs::permissions(path_, fs::perms(0640));
  EXPECT_FALSE(file_.IsUnchanged());
  fs::remove(path_);
  EXPECT_FALSE(file_.IsUnchanged());
}

TEST_F(WatchedFileTest, AFileThatWasRefusedIsNeverUnchanged) {
  Write("good");
  ASSERT_TRUE(Read().ok());
  Write("bad");
  EXPECT_EQ(Read().status(),
            absl::InvalidArgumentError("rules file " + path_ + ": it is not good"));
  EXPECT_FALSE(file_.IsUnchanged());
  fs::remove(path_);
  EXPECT_TRUE(absl::IsNotFound(Read().status()));
  EXPECT_FALSE(file_.IsUnchanged());
}

TEST_F(WatchedFileTest, OfAFileThatIsTooLongAByteMoreIsGiven) {
  Write("good 678901234567");
  EXPECT_EQ(*Read(), "good 678901");
}

TEST_F(WatchedFileTest, NobodyButTheOwnerMayWrite) {
  Write("good");
  for (const int mode : {0620, 0602}) {
    fs::permissions(path_, fs::perms(mode));
    EXPECT_THAT(std::string(Read().status().message()),
                AllOf(StartsWith("rules file " + path_ + ": "), HasSubstr("chmod go-w")));
  }
}

TEST_F(WatchedFileTest, AnErrorIsNewUntilItIsToldAndAgainAfterAnotherOrASuccess) {
  const absl::Status error = absl::InvalidArgumentError("one");
  EXPECT_TRUE(file_.IsNewError(error));
  EXPECT_FALSE(file_.IsNewError(error));
  EXPECT_TRUE(file_.IsNewError(absl::InvalidArgumentError("two")));
  EXPECT_TRUE(file_.IsNewError(error));

  Write("bad");
  ASSERT_FALSE(Read().ok());
  EXPECT_FALSE(file_.IsNewError(error));
  Write("good");
  ASSERT_TRUE(Read().ok());
  EXPECT_TRUE(file_.IsNewError(error));
  file_.ForgetError();
  EXPECT_TRUE(file_.IsNewError(error));
}

}  // namespace
}  // namespace gateway
