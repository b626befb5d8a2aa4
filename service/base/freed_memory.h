#ifndef SERVICE_BASE_FREED_MEMORY_H_
#define SERVICE_BASE_FREED_MEMORY_H_

#include <cstddef>

namespace gateway {

// Returns about `bytes` of freed memory to the system. tcmalloc, which the gateway is linked with
// (docs/decisions/0028-tcmalloc.md), would keep most of it; with any other malloc, as in tests and
// with sanitizers, this does nothing. Any thread.
void ReturnFreedMemory(size_t bytes);

}  // namespace gateway

#endif  // SERVICE_BASE_FREED_MEMORY_H_
