# With GATEWAY_STATIC_LIBRARIES the programs hold gRPC, protobuf and abseil rather than load them: half of the time from
# exec to serving went into looking up these libraries' symbols, in one library after the other. Libraries whose fixes a
# machine installs by itself (OpenSSL, libcurl, libpq) are loaded either way.
#
# Not with a sanitizer: it tells what is not instrumented by the file that it comes from.
option(GATEWAY_STATIC_LIBRARIES "Link gRPC, protobuf and abseil statically" OFF)

# write_link_map(TARGET): which object files the program holds, and of which archives, as PROGRAM.map beside it. From
# this the image's bill of materials is made (tools/image/spdx.py).
function(write_link_map target)
  if(GATEWAY_STATIC_LIBRARIES)
    target_link_options(${target} PRIVATE LINKER:-Map=$<TARGET_FILE:${target}>.map)
  endif()
endfunction()

if(NOT GATEWAY_STATIC_LIBRARIES)
  return()
endif()

# Debian has the archive beside each shared library, but targets for the latter alone. Included after find_package.
get_property(targets DIRECTORY PROPERTY IMPORTED_TARGETS)
list(FILTER targets INCLUDE REGEX "^(absl|gRPC|protobuf)::")
foreach(target IN LISTS targets)
  foreach(property IMPORTED_LOCATION IMPORTED_LOCATION_NONE IMPORTED_LOCATION_RELEASE)
    get_target_property(library ${target} ${property})
    string(REGEX REPLACE "\\.so[.0-9]*$" ".a" archive "${library}")
    if(library MATCHES "\\.so" AND EXISTS ${archive})
      set_target_properties(${target} PROPERTIES ${property} ${archive})
    endif()
  endforeach()
endforeach()
