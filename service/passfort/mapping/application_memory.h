#ifndef SERVICE_PASSFORT_MAPPING_APPLICATION_MEMORY_H_
#define SERVICE_PASSFORT_MAPPING_APPLICATION_MEMORY_H_

#include <google/protobuf/message.h>

#include <cstddef>

namespace gateway {

// About the memory that a message takes, together with the bytes that it is written as. It walks
// through the whole message. Its many small pieces take half as much again as they say.
inline size_t MemoryOf(const google::protobuf::Message& message, size_t bytes_written) {
  return message.SpaceUsedLong() * 3 / 2 + bytes_written;
}

}  // namespace gateway

#endif  // SERVICE_PASSFORT_MAPPING_APPLICATION_MEMORY_H_
