# The sources in cpp/kernels/isa are compiled once per instruction-set level, each into its own namespace.
# Flags are explicit feature lists, equal to x86-64-v3 and x86-64-v4; never -march=<cpu>, never -ffast-math.
include(CheckCXXCompilerFlag)

file(GLOB PLAIT_ISA_SOURCES CONFIGURE_DEPENDS kernels/isa/*.cpp)
# The rules and products of complex numbers hold sums of two products, either of which may be fused: left to the compiler, the vector loop and its
# tail can differ in the last bit. They are bound by memory and division, so nothing is lost.
# Sequences are rounded as NumPy's are, twice; so is what decides whether two boxes overlap.
set_source_files_properties(kernels/isa/optim_kernels.cpp kernels/isa/sequence_kernels.cpp
                            kernels/isa/complex_kernels.cpp kernels/isa/vision_kernels.cpp PROPERTIES COMPILE_OPTIONS -ffp-contract=off)

set(PLAIT_DEV_LEVEL "" CACHE STRING "Development: compile only this level beside generic, avx2 or avx512; all if empty")
set(PLAIT_ISA_LEVELS 1)  # levels compiled in, counted from generic
set(PLAIT_ISA_OBJECTS)

function(plait_add_isa_kernels isa level)
  add_library(plait_kernels_${isa} OBJECT ${PLAIT_ISA_SOURCES})
  target_include_directories(plait_kernels_${isa} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_compile_definitions(plait_kernels_${isa} PRIVATE PLAIT_ISA_NS=${isa} PLAIT_ISA_LEVEL=${level})
  target_compile_options(
    plait_kernels_${isa}
    PRIVATE ${ARGN} -O3 -fvisibility=hidden -fno-exceptions -fno-rtti -fno-math-errno -fno-trapping-math
            -ffp-contract=fast -fno-lto -fno-threadsafe-statics -Wall -Wextra -Wno-psabi -Wno-ignored-attributes)
  if(PLAIT_WERROR)
    target_compile_options(plait_kernels_${isa} PRIVATE -Werror)
  endif()
endfunction()

plait_add_isa_kernels(generic 0)
list(APPEND PLAIT_ISA_OBJECTS $<TARGET_OBJECTS:plait_kernels_generic>)

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|amd64")
  set(PLAIT_FLAGS_AVX2 -mavx2 -mfma -mf16c -mbmi -mbmi2 -mlzcnt -mmovbe)
  set(PLAIT_FLAGS_AVX512 ${PLAIT_FLAGS_AVX2} -mavx512f -mavx512bw -mavx512cd -mavx512dq -mavx512vl
                         -mprefer-vector-width=512)
  check_cxx_compiler_flag("-mavx2 -mfma -mf16c" PLAIT_HAVE_AVX2)
  check_cxx_compiler_flag("-mavx512f -mavx512bw -mavx512dq -mavx512vl" PLAIT_HAVE_AVX512)
  if(PLAIT_HAVE_AVX2)
    if(NOT PLAIT_DEV_LEVEL STREQUAL avx512)
      plait_add_isa_kernels(avx2 1 ${PLAIT_FLAGS_AVX2})
      list(APPEND PLAIT_ISA_OBJECTS $<TARGET_OBJECTS:plait_kernels_avx2>)
    endif()
    set(PLAIT_ISA_LEVELS 2)
    if(PLAIT_HAVE_AVX512 AND NOT PLAIT_DEV_LEVEL STREQUAL avx2)
      plait_add_isa_kernels(avx512 2 ${PLAIT_FLAGS_AVX512})
      list(APPEND PLAIT_ISA_OBJECTS $<TARGET_OBJECTS:plait_kernels_avx512>)
      set(PLAIT_ISA_LEVELS 3)
    endif()
  endif()
endif()
