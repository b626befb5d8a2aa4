#ifndef SERVICE_RPC_CALLS_TSAN_ANNOTATIONS_H_
#define SERVICE_RPC_CALLS_TSAN_ANNOTATIONS_H_

// gRPC orders what its threads do with one call, but inside a library that ThreadSanitizer cannot
// see. These two tell it; in every other build they are nothing.

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GATEWAY_UNDER_THREAD_SANITIZER
#endif
#endif

#ifdef GATEWAY_UNDER_THREAD_SANITIZER
#include <sanitizer/tsan_interface.h>
#endif

namespace gateway {

// All that this thread did so far...
inline void AnnotateHappensBefore([[maybe_unused]] void* object) {
#ifdef GATEWAY_UNDER_THREAD_SANITIZER
  __tsan_release(object);
#endif
}

// ...comes before what a reaction of gRPC does from here on.
inline void AnnotateHappensAfter([[maybe_unused]] void* object) {
#ifdef GATEWAY_UNDER_THREAD_SANITIZER
  __tsan_acquire(object);
#endif
}

}  // namespace gateway

#endif  // SERVICE_RPC_CALLS_TSAN_ANNOTATIONS_H_
