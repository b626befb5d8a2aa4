# gateway_test(NAME LABEL unit|integration|chaos|attack SOURCES ... LIBRARIES ... [ALONE] [WHOLE]
#              [SHARDS n])
#
# One GoogleTest program. Each of its tests is a ctest test of its own (`NAME` is in front), with the
# label and a time limit. ALONE keeps other tests from running beside it: for tests that count threads
# or memory, or that load the machine. WHOLE makes the program one ctest test, with a longer limit: for
# tests that share what takes seconds to set up, like a database server. SHARDS n makes it so many.
#
# With a sanitizer every program is WHOLE: to start one takes longer there than most of its tests.
#
# The target `attacks` builds all programs with the label attack.

# Whether to build the tests that run on one thread. ThreadSanitizer has nothing to see there.
if(GATEWAY_SANITIZER STREQUAL "thread")
  set(GATEWAY_ONE_THREAD_TESTS OFF)
else()
  set(GATEWAY_ONE_THREAD_TESTS ON)
endif()

# What only tests run is compiled in half the time without optimisation, and two thirds of all sources are tests. Not what
# they share: fake-passfort and the clients make load.
set(GATEWAY_TEST_OPTIMISATION)
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  set(GATEWAY_TEST_OPTIMISATION -O0)
endif()

find_package(GTest CONFIG REQUIRED)
include(GoogleTest)
if(NOT TARGET attacks)
  add_custom_target(attacks)
endif()

function(gateway_test name)
  cmake_parse_arguments(PARSE_ARGV 1 TEST "ALONE;WHOLE" "LABEL;SHARDS" "SOURCES;LIBRARIES")
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE gateway::compiler ${TEST_LIBRARIES} GTest::gmock_main)
  target_compile_options(${name} PRIVATE ${GATEWAY_TEST_OPTIMISATION})
  if(TEST_LABEL STREQUAL "attack")
    add_dependencies(attacks ${name})
  endif()
  set(properties LABELS ${TEST_LABEL})
  if(TEST_ALONE)
    list(APPEND properties RUN_SERIAL TRUE)
  endif()
  if(NOT TEST_WHOLE AND NOT GATEWAY_SANITIZER)
    gtest_discover_tests(${name}
      TEST_PREFIX ${name}. DISCOVERY_TIMEOUT 60 PROPERTIES ${properties} TIMEOUT 120)
    return()
  endif()
  if(NOT TEST_SHARDS OR NOT GATEWAY_SANITIZER)
    set(TEST_SHARDS 1)
  endif()
  foreach(shard RANGE 1 ${TEST_SHARDS})
    set(test ${name})
    if(TEST_SHARDS GREATER 1)
      set(test ${name}.${shard})
    endif()
    math(EXPR index "${shard} - 1")
    add_test(NAME ${test} COMMAND ${name})
    set_tests_properties(${test} PROPERTIES ${properties} TIMEOUT 600
      ENVIRONMENT "GTEST_TOTAL_SHARDS=${TEST_SHARDS};GTEST_SHARD_INDEX=${index}")
  endforeach()
endfunction()
