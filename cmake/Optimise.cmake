# What preset release-pgo adds for the modules that every message passes: link-time optimisation across them, and a profile
# of the project's own road (scripts/build-release). All else is compiled plainly, and tests link plainly: every object
# carries ordinary code beside what the link-time optimiser reads.
option(SMPPD_LTO "Optimise the modules of a message's road as one program when smppd is linked (GCC)" OFF)
set(SMPPD_PROFILE "" CACHE PATH "Folder of a profile to optimise with; a function that it does not know is compiled as ever (GCC)")
set(SMPPD_PROFILE_TO "" CACHE PATH "Folder that the programs write their profile to when they end (GCC)")

set(SMPPD_HOT_MODULES smpp runtime telemetry message accounts routing upstream flow downstream)

if((SMPPD_LTO OR SMPPD_PROFILE OR SMPPD_PROFILE_TO) AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  message(FATAL_ERROR "SMPPD_LTO and the profile options need GCC")
endif()
if(SMPPD_PROFILE AND SMPPD_PROFILE_TO)
  message(FATAL_ERROR "SMPPD_PROFILE and SMPPD_PROFILE_TO exclude each other")
endif()

# Programs are position independent, so their objects need not suit a shared library too.
if(SMPPD_LTO OR SMPPD_PROFILE OR SMPPD_PROFILE_TO)
  add_compile_options(-fPIE)
  add_link_options(-pie)
else()
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
endif()

add_library(smppd_hot_flags INTERFACE)
# No function of these modules is replaced at run time, and a stop of the road that is one of many small functions is
# cheaper as one: inlined within its module.
target_compile_options(smppd_hot_flags INTERFACE
  "$<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:-fno-semantic-interposition;--param=max-inline-insns-auto=100;--param=inline-min-speedup=5>")
if(SMPPD_LTO OR SMPPD_PROFILE OR SMPPD_PROFILE_TO)
  target_compile_definitions(smppd_hot_flags INTERFACE SMPPD_WHOLE_PROGRAM)  # base/flatten.h
endif()
if(SMPPD_LTO)
  target_compile_options(smppd_hot_flags INTERFACE -flto=auto -ffat-lto-objects)
  add_link_options($<$<NOT:$<BOOL:$<TARGET_PROPERTY:SMPPD_OPTIMISED>>>:-fno-lto>)
endif()
# File names in the profile are relative to the build folder: another one reads it.
if(SMPPD_PROFILE_TO)
  target_compile_options(smppd_hot_flags INTERFACE -fprofile-generate=${SMPPD_PROFILE_TO} -fprofile-update=prefer-atomic
                                                   -fprofile-prefix-path=${CMAKE_BINARY_DIR})
  add_link_options(-fprofile-generate=${SMPPD_PROFILE_TO})
elseif(SMPPD_PROFILE)
  target_compile_options(smppd_hot_flags INTERFACE -fprofile-use=${SMPPD_PROFILE} -fprofile-partial-training
                                                   -fprofile-prefix-path=${CMAKE_BINARY_DIR} -Wno-missing-profile
                                                   -Wno-error=coverage-mismatch)
endif()

# smppd_hot(MODULE): the library of a module, if messages pass it.
function(smppd_hot NAME)
  if(NOT NAME IN_LIST SMPPD_HOT_MODULES AND NOT NAME MATCHES "^filter_")
    return()
  endif()
  target_link_libraries(smppd_${NAME} PRIVATE smppd_hot_flags)
  if(SMPPD_PROFILE)
    # ccache does not look into a profile whose files are named relative to the build folder.
    set_target_properties(smppd_${NAME} PROPERTIES CXX_COMPILER_LAUNCHER "")
  endif()
endfunction()

# smppd_optimised(PROGRAM): linked with link-time optimisation, where that is on.
function(smppd_optimised NAME)
  if(SMPPD_LTO)
    set_target_properties(${NAME} PROPERTIES SMPPD_OPTIMISED ON)
    target_link_options(${NAME} PRIVATE -flto=auto -O2 -g1)
  endif()
endfunction()
