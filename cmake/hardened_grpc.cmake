# With GATEWAY_HARDENED_GRPC the programs hold gRPC 1.51.1 with our patch: cmake/grpc/grpc-1.51.1.patch says what for.
#
# It is Debian's libgrpc.a with those members replaced that the patch changes. They are compiled as Debian compiles them
# (g++ of the release, C++14, assertions on), whatever compiles the gateway: clang lays out some of gRPC's classes
# differently, and such objects crash at the first connection. A call is made right after linking, so that a mismatch
# ends the build.
option(GATEWAY_HARDENED_GRPC "Link gRPC with the patch in cmake/grpc" OFF)
if(NOT GATEWAY_HARDENED_GRPC)
  return()
endif()

if(NOT gRPC_VERSION VERSION_EQUAL 1.51.1)
  message(FATAL_ERROR
    "GATEWAY_HARDENED_GRPC: the patch is for gRPC 1.51.1, and this is ${gRPC_VERSION}. "
    "From 1.60 on it is not needed; for any other version look at the patch anew.")
endif()
if(NOT GATEWAY_STATIC_LIBRARIES)
  message(FATAL_ERROR "GATEWAY_HARDENED_GRPC needs GATEWAY_STATIC_LIBRARIES: only the archive can be patched.")
endif()

set(HARDENED_GRPC_SOURCES ${CMAKE_SOURCE_DIR}/build/grpc)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  ${CMAKE_SOURCE_DIR}/cmake/grpc/fetch.sh ${CMAKE_SOURCE_DIR}/cmake/grpc/grpc-1.51.1.patch)
execute_process(COMMAND ${CMAKE_SOURCE_DIR}/cmake/grpc/fetch.sh ${HARDENED_GRPC_SOURCES} COMMAND_ERROR_IS_FATAL ANY)
file(STRINGS ${HARDENED_GRPC_SOURCES}/sources.txt sources)

find_program(GATEWAY_GRPC_COMPILER g++ REQUIRED DOC "The compiler of Debian's packages")
find_program(GATEWAY_GRPC_AR ar REQUIRED)

# What Debian compiles with, by cmake/grpc and dpkg-buildflags, and what its release hardening would add.
set(flags -std=c++14 -O2 -g1 -fPIC -pthread -fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=2
  -Wno-stringop-overflow -ffile-prefix-map=${HARDENED_GRPC_SOURCES}=grpc)
foreach(include . include src/core/ext/upb-generated src/core/ext/upbdefs-generated third_party/address_sorting/include
    third_party/upb third_party/xxhash)
  list(APPEND flags -I${HARDENED_GRPC_SOURCES}/${include})
endforeach()

set(folder ${CMAKE_BINARY_DIR}/hardened_grpc)
file(MAKE_DIRECTORY ${folder})
set(objects)
foreach(source IN LISTS sources)
  get_filename_component(name ${source} NAME)
  set(object ${folder}/${name}.o)
  add_custom_command(OUTPUT ${object}
    COMMAND ${CMAKE_CXX_COMPILER_LAUNCHER} ${GATEWAY_GRPC_COMPILER} ${flags} -MMD -MF ${object}.d -c ${HARDENED_GRPC_SOURCES}/${source}
            -o ${object}
    DEPENDS ${HARDENED_GRPC_SOURCES}/${source} ${HARDENED_GRPC_SOURCES}/stamp
    DEPFILE ${object}.d
    COMMENT "Compiling gRPC's ${name}"
    VERBATIM)
  list(APPEND objects ${object})
endforeach()

get_target_property(debian_archive gRPC::grpc IMPORTED_LOCATION_NONE)
set(archive ${folder}/libgrpc.a)
add_custom_command(OUTPUT ${archive}
  COMMAND ${CMAKE_COMMAND} -E copy ${debian_archive} ${archive}
  COMMAND ${GATEWAY_GRPC_AR} rs ${archive} ${objects}
  DEPENDS ${objects} ${debian_archive}
  COMMENT "Patching libgrpc.a"
  VERBATIM)
add_custom_target(hardened_grpc_archive DEPENDS ${archive})

# Whatever links gRPC waits for the archive. CMake believes that it is a shared library, to be found again by its folder.
set_target_properties(gRPC::grpc PROPERTIES IMPORTED_LOCATION_NONE ${archive})
set(CMAKE_SKIP_BUILD_RPATH ON)

add_executable(hardened_grpc_smoke_call ${CMAKE_SOURCE_DIR}/cmake/grpc/smoke_call.cc)
target_link_libraries(hardened_grpc_smoke_call PRIVATE gateway::compiler gRPC::grpc++)
add_custom_command(TARGET hardened_grpc_smoke_call POST_BUILD
  COMMAND hardened_grpc_smoke_call COMMENT "Calling a server with the patched gRPC" VERBATIM)
