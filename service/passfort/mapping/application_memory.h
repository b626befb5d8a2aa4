#ifndef SERVICE_PASSFORT_MAPPING_APPLICATION_MEMORY_H_
#define SERVICE_PASSFORT_MAPPING_APPLICATION_MEMORY_H_

#include <google/protobuf/message.h>

#include <cstddef>

namespace gateway {

// About the memory that a message takes, together with the bytes that it is written as. Its many
// small pieces take half as much again as they say. To find out, it walks through the whole
// message, which would show in the cost of a call: most messages are small, and taken for no more
// than they are written as.
inline size_t MemoryOf(const google::protobuf::Message& message, size_t bytes_written) {
  constexpr size_t kMeasuredBytes = 2048;
  if (bytes_written < kMeasuredBytes) return bytes_written;
  return message.SpaceUsedLong() * 3 / 2 + bytes_written;
}

}  // namespace gateway

#endif  // SERVICE_PASSFORT_MAPPING_APPLICATION_MEMORY_H_
