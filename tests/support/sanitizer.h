#ifndef TESTS_SUPPORT_SANITIZER_H_
#define TESTS_SUPPORT_SANITIZER_H_

namespace gateway {

// Under a sanitizer everything takes longer, and memory and threads are not the program's alone.
// The tests' own build tells of the gateway's too: one preset makes both.
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kHasSanitizer = true;
#else
inline constexpr bool kHasSanitizer = false;
#endif
inline constexpr int kSlowness = kHasSanitizer ? 3 : 1;

}  // namespace gateway

#endif  // TESTS_SUPPORT_SANITIZER_H_
