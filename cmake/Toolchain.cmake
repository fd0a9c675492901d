# Warnings, linker, sanitizers and compiler cache, the same for every target.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

add_library(smppd_flags INTERFACE)
target_include_directories(smppd_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(smppd_flags INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wconversion -Wno-sign-conversion -Werror
                                             -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 sees overflows in inlined std::string code that are not there (GCC bug 105651 and its kin).
  target_compile_options(smppd_flags INTERFACE -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds -Wno-stringop-overread
                                               -Wno-maybe-uninitialized -Wno-dangling-pointer)
  # A type with a member from an anonymous namespace is fine in its own .cc; a unity build makes GCC see a header there.
  target_compile_options(smppd_flags INTERFACE -Wno-subobject-linkage)
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # std::stable_sort of libstdc++ 12 calls a function that its own headers call deprecated.
  target_compile_options(smppd_flags INTERFACE -Wno-deprecated-declarations)
endif()

find_program(SMPPD_MOLD mold)
if(SMPPD_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
find_program(SMPPD_CCACHE ccache)
if(SMPPD_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${SMPPD_CCACHE})
endif()

if(SMPPD_SANITIZE)
  add_compile_options(-fsanitize=${SMPPD_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SMPPD_SANITIZE})
endif()
if(SMPPD_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
