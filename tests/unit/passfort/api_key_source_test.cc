#include "service/passfort/api_key_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace gateway {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ApiKeySourceTest : public testing::Test {
 public:
  ~ApiKeySourceTest() override { fs::remove_all(folder_); }

 protected:
  ApiKeySourceTest() {
    std::string pattern = (fs::temp_directory_path() / "api_key_XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    path_ = folder_ / "key";
  }

  // As a careful program does it: a new file takes the old one's place at once.
  void Replace(std::string_view content) {
    const fs::path next = folder_ / "next";
    Overwrite(next, content);
    fs::rename(next, path_);
  }

  static void Overwrite(const fs::path& path, std::string_view content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
    chmod(path.c_str(), 0600);
  }

  fs::path folder_;
  fs::path path_;
};

std::string ErrorOf(const absl::Status& status) { return std::string(status.message()); }

TEST_F(ApiKeySourceTest, KeepsAFixedKey) {
  const auto source = ApiKeySource::FromValue("test key ~!");
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ(*(*source)->Current(), "test key ~!");
  EXPECT_EQ(*(*source)->Refresh(), ApiKeySource::Refreshed::kSame);
}

TEST_F(ApiKeySourceTest, RefusesWhatIsNoKeyWithoutRepeatingIt) {
  const std::string longest(4096, 'k');
  EXPECT_TRUE(ApiKeySource::FromValue(longest).ok());
  for (const std::string& key :
       {std::string(), longest + "k", std::string("canary\r\nX: y"), std::string("canary\n"),
        std::string("canary\t"), std::string("canary\x7F"), std::string("canary\xC3\xA9"),
        std::string("canary\0", 7), std::string(" canary"), std::string("canary ")}) {
    const auto source = ApiKeySource::FromValue(key);
    ASSERT_FALSE(source.ok()) << key.size();
    EXPECT_THAT(ErrorOf(source.status()), AllOf(HasSubstr("API key"), Not(HasSubstr("canary"))));
  }
}

TEST_F(ApiKeySourceTest, CallsALineBreakOne) {
  EXPECT_THAT(ApiKeySource::FromValue("canary\n\n").status().message(),
              testing::HasSubstr("more than one line break after it"));
  EXPECT_THAT(ApiKeySource::FromValue("can\nary").status().message(),
              testing::HasSubstr("has a line break in it"));
  Replace("canary\n\r\n");
  EXPECT_THAT(ApiKeySource::FromFile(path_).status().message(),
              testing::HasSubstr("more than one line break after it"));
}

TEST_F(ApiKeySourceTest, ReadsAFileWithOrWithoutALineBreak) {
  for (const char* content : {"test-key", "test-key\n", "test-key\r\n"}) {
    Replace(content);
    const auto source = ApiKeySource::FromFile(path_);
    ASSERT_TRUE(source.ok()) << source.status();
    EXPECT_EQ(*(*source)->Current(), "test-key");
  }
  Replace(std::string(4096, 'k') + "\r\n");
  EXPECT_TRUE(ApiKeySource::FromFile(path_).ok());
}

TEST_F(ApiKeySourceTest, RefusesAFileWithoutAKey) {
  for (const std::string& content : {std::string(), std::string("\n"), std::string("canary\n\n"),
                                     std::string("canary\nmore\n"), std::string(5000, 'k')}) {
    Replace(content);
    const auto source = ApiKeySource::FromFile(path_);
    ASSERT_FALSE(source.ok()) << content.size();
    EXPECT_THAT(ErrorOf(source.status()), AllOf(HasSubstr(path_), Not(HasSubstr("canary"))));
  }
  EXPECT_EQ(ErrorOf(ApiKeySource::FromFile("/nowhere/key").status()),
            "API key file /nowhere/key: No such file or directory");
}

TEST_F(ApiKeySourceTest, WaitsForNoPipe) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_THAT(ErrorOf(ApiKeySource::FromFile(path_).status()), HasSubstr("not a regular file"));
  EXPECT_THAT(ErrorOf(ApiKeySource::FromFile(folder_).status()), HasSubstr("not a regular file"));
}

TEST_F(ApiKeySourceTest, RefusesAFileThatOthersThanItsOwnerCanWrite) {
  Replace("canary\n");
  for (const mode_t mode : {0660, 0606, 0622}) {
    ASSERT_EQ(chmod(path_.c_str(), mode), 0);
    EXPECT_THAT(ErrorOf(ApiKeySource::FromFile(path_).status()),
                AllOf(HasSubstr(path_), HasSubstr("can write it"), Not(HasSubstr("canary"))));
  }
}

TEST_F(ApiKeySourceTest, TellsWhetherEverybodyCanReadTheFile) {
  Replace("test-key\n");
  // The group may: so does Kubernetes give a Secret to a user who is not root.
  ASSERT_EQ(chmod(path_.c_str(), 0440), 0);
  EXPECT_FALSE((*ApiKeySource::FromFile(path_))->IsReadableByAnybody());
  ASSERT_EQ(chmod(path_.c_str(), 0444), 0);
  EXPECT_TRUE((*ApiKeySource::FromFile(path_))->IsReadableByAnybody());
}

TEST_F(ApiKeySourceTest, TakesTheNewKeyOfAChangedFile) {
  Replace("first\n");
  const auto source = *ApiKeySource::FromFile(path_);
  const auto first = source->Current();
  EXPECT_EQ(*source->Refresh(), ApiKeySource::Refreshed::kSame);
  EXPECT_EQ(source->Current(), first);

  Replace("other\n");  // of the same length
  EXPECT_EQ(*source->Refresh(), ApiKeySource::Refreshed::kNew);
  EXPECT_EQ(*source->Current(), "other");
  EXPECT_EQ(*first, "first");  // for the requests in flight

  Overwrite(path_, "in place\n");
  EXPECT_EQ(*source->Refresh(), ApiKeySource::Refreshed::kNew);
  EXPECT_EQ(*source->Current(), "in place");
}

TEST_F(ApiKeySourceTest, KeepsThePointerWhenTheFileChangesAndTheKeyDoesNot) {
  Replace("same\n");
  const auto source = *ApiKeySource::FromFile(path_);
  const auto key = source->Current();
  Replace("same");
  EXPECT_EQ(*source->Refresh(), ApiKeySource::Refreshed::kSame);
  EXPECT_EQ(source->Current(), key);
}

// The way Kubernetes changes a mounted secret: key -> ..data/key, and ..data is replaced.
TEST_F(ApiKeySourceTest, FollowsASymlinkThatIsReplaced) {
  fs::create_directory(folder_ / "1");
  fs::create_directory(folder_ / "2");
  Overwrite(folder_ / "1" / "key", "first");
  Overwrite(folder_ / "2" / "key", "other");
  fs::create_directory_symlink("1", folder_ / "..data");
  fs::create_symlink("..data/key", path_);
  const auto source = *ApiKeySource::FromFile(path_);

  fs::create_directory_symlink("2", folder_ / "..data_new");
  fs::rename(folder_ / "..data_new", folder_ / "..data");
  EXPECT_EQ(*source->Refresh(), ApiKeySource::Refreshed::kNew);
  EXPECT_EQ(*source->Current(), "other");
}

TEST_F(ApiKeySourceTest, KeepsTheOldKeyAndTellsAFailureOnce) {
  Replace("first\n");
  const auto source = *ApiKeySource::FromFile(path_);

  fs::remove(path_);
  EXPECT_THAT(ErrorOf(source->Refresh().status()), HasSubstr("No such file"));
  EXPECT_EQ(*source->Refresh(), ApiKeySource::Refreshed::kSame);
  Replace("");
  EXPECT_THAT(ErrorOf(source->Refresh().status()), HasSubstr("empty"));
  EXPECT_EQ(*source->Refresh(), ApiKeySource::Refreshed::kSame);
  EXPECT_EQ(*source->Current(), "first");

  Replace("second\n");
  EXPECT_EQ(*source->Refresh(), ApiKeySource::Refreshed::kNew);
  fs::remove(path_);
  EXPECT_FALSE(source->Refresh().ok());
}

}  // namespace
}  // namespace gateway
