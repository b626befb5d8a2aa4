#ifndef SERVICE_BASE_FREED_MEMORY_H_
#define SERVICE_BASE_FREED_MEMORY_H_

#include <cstddef>

namespace gateway {

// Returns pages of freed memory to the system, about `bytes` of them. tcmalloc, which the gateway
// is linked with (docs/decisions/0028-tcmalloc.md), keeps them otherwise; with any other malloc,
// as in tests and with sanitizers, this does nothing. Any thread.
void ReturnFreedMemory(size_t bytes);

}  // namespace gateway

#endif  // SERVICE_BASE_FREED_MEMORY_H_
