#include "service/base/freed_memory.h"

#include <gperftools/malloc_extension_c.h>

// Null in a program that is not linked with tcmalloc.
#pragma weak MallocExtension_ReleaseToSystem

namespace gateway {

void ReturnFreedMemory(size_t bytes) {
  if (MallocExtension_ReleaseToSystem != nullptr) MallocExtension_ReleaseToSystem(bytes);
}

}  // namespace gateway
