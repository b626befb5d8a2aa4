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

# precompile_headers(NAME FOLDERS ... [LIBRARIES ... HEADERS ...] [OPTIMISATION -O0]): for the targets of our own in and
# below FOLDERS, with HEADERS of LIBRARIES beside those above. Only for those that ask for the same OPTIMISATION, or for
# none, since the headers are read with it. Call it after the last target.
function(precompile_headers name)
  if(NOT GATEWAY_PRECOMPILED_HEADERS)
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "OPTIMISATION" "FOLDERS;LIBRARIES;HEADERS")
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${name}.cc)
  file(CONFIGURE OUTPUT ${source} CONTENT "// For the precompiled header, which needs a source.\n")
  add_library(${name} OBJECT ${source})
  target_link_libraries(${name} PRIVATE gateway::compiler gRPC::grpc++ ${ARG_LIBRARIES})
  target_compile_options(${name} PRIVATE ${ARG_OPTIMISATION})
  target_precompile_headers(${name} PRIVATE ${GATEWAY_LIBRARY_HEADERS} ${ARG_HEADERS})
  foreach(folder IN LISTS ARG_FOLDERS)
    use_precompiled_headers(${CMAKE_SOURCE_DIR}/${folder} ${name})
  endforeach()
endfunction()

function(optimisation_of target result)
  get_target_property(options ${target} COMPILE_OPTIONS)
  list(FILTER options INCLUDE REGEX "^-O")
  set(${result} "${options}" PARENT_SCOPE)
endfunction()

function(use_precompiled_headers directory owner)
  optimisation_of(${owner} owner_optimisation)
  get_property(targets DIRECTORY ${directory} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(libraries ${target} LINK_LIBRARIES)
    optimisation_of(${target} optimisation)
    if("gateway::compiler" IN_LIST libraries AND NOT target MATCHES "_headers$"
       AND optimisation STREQUAL owner_optimisation)
      target_precompile_headers(${target} REUSE_FROM ${owner})
    endif()
  endforeach()
  get_property(folders DIRECTORY ${directory} PROPERTY SUBDIRECTORIES)
  foreach(folder IN LISTS folders)
    use_precompiled_headers(${folder} ${owner})
  endforeach()
endfunction()
