# gateway_test(NAME LABEL unit|integration|chaos|attack SOURCES ... LIBRARIES ... [ALONE] [WHOLE])
#
# One GoogleTest program. Each of its tests is a ctest test of its own (`NAME` is in front), with the
# label and a time limit. ALONE keeps other tests from running beside it: for tests that count threads
# or memory, or that load the machine. WHOLE makes the program one ctest test: for tests that share
# what takes seconds to set up, like a database server; it has a longer limit, under a sanitizer too.
#
# The target `attacks` builds all programs with the label attack.

# Whether to build the tests that run on one thread. ThreadSanitizer has nothing to see there.
if(GATEWAY_SANITIZER STREQUAL "thread")
  set(GATEWAY_ONE_THREAD_TESTS OFF)
else()
  set(GATEWAY_ONE_THREAD_TESTS ON)
endif()

find_package(GTest CONFIG REQUIRED)
include(GoogleTest)
if(NOT TARGET attacks)
  add_custom_target(attacks)
endif()

function(gateway_test name)
  cmake_parse_arguments(PARSE_ARGV 1 TEST "ALONE;WHOLE" "LABEL" "SOURCES;LIBRARIES")
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE gateway::compiler ${TEST_LIBRARIES} GTest::gmock_main)
  if(TEST_LABEL STREQUAL "attack")
    add_dependencies(attacks ${name})
  endif()
  set(properties LABELS ${TEST_LABEL} TIMEOUT 120)
  if(TEST_ALONE)
    list(APPEND properties RUN_SERIAL TRUE)
  endif()
  if(TEST_WHOLE)
    list(APPEND properties TIMEOUT 400)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES ${properties})
    return()
  endif()
  gtest_discover_tests(${name} TEST_PREFIX ${name}. DISCOVERY_TIMEOUT 60 PROPERTIES ${properties})
endfunction()
