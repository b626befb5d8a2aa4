#ifndef TESTS_SUPPORT_TEMPORARY_FILE_H_
#define TESTS_SUPPORT_TEMPORARY_FILE_H_

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

namespace gateway {

// A file with some text in the folder for temporary files, gone with the object.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view text) {
    const char* const folder = std::getenv("TMPDIR");
    path_ = std::string(folder != nullptr ? folder : "/tmp") + "/gateway_test_XXXXXX";
    const int descriptor = mkstemp(path_.data());
    if (descriptor < 0) {
      std::perror("make a temporary file");
      std::abort();
    }
    close(descriptor);
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~TemporaryFile() { unlink(path_.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace gateway

#endif  // TESTS_SUPPORT_TEMPORARY_FILE_H_
