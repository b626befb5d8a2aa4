# With GATEWAY_PRECOMPILED_HEADERS, the headers of libraries that most sources need are read once, not once per source:
# gRPC's alone take longer than the rest of a source does. Only those of libraries, so that nothing of ours is compiled
# anew for a change that it does not see. For the presets that build the tests; the deployed build and clang-tidy go
# without, and so notice a source that forgot an #include.
option(GATEWAY_PRECOMPILED_HEADERS "Read the libraries' headers once" OFF)

set(GATEWAY_LIBRARY_HEADERS
  <algorithm> <atomic> <chrono> <condition_variable> <deque> <functional> <future> <map> <memory> <mutex> <optional>
  <sstream> <stop_token> <string> <thread> <unordered_map> <utility> <variant> <vector>
  <absl/functional/any_invocable.h> <absl/status/statusor.h> <absl/strings/str_cat.h> <absl/strings/str_split.h>
  <absl/time/time.h>
  <google/protobuf/message.h> <google/protobuf/struct.pb.h> <grpcpp/grpcpp.h> <grpcpp/support/sync_stream.h>
  <grpcpp/support/client_callback.h> <grpcpp/support/server_callback.h>)

# precompile_headers(NAME FOLDERS ... [LIBRARIES ... HEADERS ...]): for the targets of our own in and below FOLDERS, with
# HEADERS of LIBRARIES beside those above. Call it after the last target.
function(precompile_headers name)
  if(NOT GATEWAY_PRECOMPILED_HEADERS)
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "FOLDERS;LIBRARIES;HEADERS")
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${name}.cc)
  file(CONFIGURE OUTPUT ${source} CONTENT "// For the precompiled header, which needs a source.\n")
  add_library(${name} OBJECT ${source})
  target_link_libraries(${name} PRIVATE gateway::compiler gRPC::grpc++ ${ARG_LIBRARIES})
  target_precompile_headers(${name} PRIVATE ${GATEWAY_LIBRARY_HEADERS} ${ARG_HEADERS})
  foreach(folder IN LISTS ARG_FOLDERS)
    use_precompiled_headers(${CMAKE_SOURCE_DIR}/${folder} ${name})
  endforeach()
endfunction()

function(use_precompiled_headers directory owner)
  get_property(targets DIRECTORY ${directory} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(libraries ${target} LINK_LIBRARIES)
    if("gateway::compiler" IN_LIST libraries AND NOT target STREQUAL owner)
      target_precompile_headers(${target} REUSE_FROM ${owner})
    endif()
  endforeach()
  get_property(folders DIRECTORY ${directory} PROPERTY SUBDIRECTORIES)
  foreach(folder IN LISTS folders)
    use_precompiled_headers(${folder} ${owner})
  endforeach()
endfunction()
