# INTERFACE targets carry the language standard, the warnings and the sanitizers; nothing is global.

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  message(FATAL_ERROR
    "g++ ${CMAKE_CXX_COMPILER_VERSION} miscompiles coroutines: temporaries inside co_await are freed twice. "
    "Use clang-19 (the presets do), or g++ 13 or newer.")
endif()

set(GATEWAY_SANITIZER "" CACHE STRING "Sanitizers for every target: empty, address,undefined or thread")

# For every target, generated code included: a half-instrumented program gives false reports.
add_library(gateway_sanitizer INTERFACE)
add_library(gateway::sanitizer ALIAS gateway_sanitizer)
if(GATEWAY_SANITIZER)
  target_compile_options(gateway_sanitizer INTERFACE
    -fsanitize=${GATEWAY_SANITIZER} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(gateway_sanitizer INTERFACE -fsanitize=${GATEWAY_SANITIZER})
endif()

# No path of the build folder in a binary, and ccache hits in every checkout (CMakePresets.json sets CCACHE_BASEDIR).
target_compile_options(gateway_sanitizer INTERFACE -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)

# In every preset, so that the tests run what is released: what makes a fault in memory hard to use. Not with a sanitizer,
# which sees more of it, and does not go together with _FORTIFY_SOURCE.
add_library(gateway_hardening INTERFACE)
add_library(gateway::hardening ALIAS gateway_hardening)
if(NOT GATEWAY_SANITIZER)
  target_compile_options(gateway_hardening INTERFACE
    -fPIE -fstack-protector-strong -fstack-clash-protection -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    target_compile_options(gateway_hardening INTERFACE -fcf-protection=full)
  endif()
  target_link_options(gateway_hardening INTERFACE -pie LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack)
endif()

add_library(gateway_compiler INTERFACE)
add_library(gateway::compiler ALIAS gateway_compiler)
target_compile_features(gateway_compiler INTERFACE cxx_std_20)
# Leaving members at their defaults is what designated initialisers are for.
target_compile_options(gateway_compiler INTERFACE -pthread -Wall -Wextra -Wnon-virtual-dtor -Werror
  $<$<CXX_COMPILER_ID:Clang>:-Wno-missing-designated-field-initializers>)
target_include_directories(gateway_compiler INTERFACE ${CMAKE_SOURCE_DIR})
target_link_libraries(gateway_compiler INTERFACE gateway::sanitizer gateway::hardening)
