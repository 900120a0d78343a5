# OpenBLAS comes as the build requirement scipy-openblas32 and is installed beside the extension. It is
# loaded with dlopen at the first call that wants it (core type and thread count are set before its
# initialisation runs), so nothing links against it and a build without it still works.
execute_process(
  COMMAND "${Python_EXECUTABLE}" -c "import scipy_openblas32 as b; print(b.get_lib_dir())"
  OUTPUT_VARIABLE PLAIT_OPENBLAS_DIR OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
set(PLAIT_OPENBLAS_FILE "${PLAIT_OPENBLAS_DIR}/libscipy_openblas.so")
if(PLAIT_OPENBLAS_DIR AND EXISTS "${PLAIT_OPENBLAS_FILE}")
  message(STATUS "OpenBLAS: ${PLAIT_OPENBLAS_FILE}")
  # Without its symbol table, which dlsym() does not read: 0.9 MB.
  set(PLAIT_OPENBLAS_COPY "${CMAKE_BINARY_DIR}/libscipy_openblas.so")
  file(COPY_FILE "${PLAIT_OPENBLAS_FILE}" "${PLAIT_OPENBLAS_COPY}")
  if(CMAKE_STRIP)
    execute_process(COMMAND "${CMAKE_STRIP}" --strip-unneeded "${PLAIT_OPENBLAS_COPY}")
  endif()
  install(FILES "${PLAIT_OPENBLAS_COPY}" DESTINATION plait)
  if(PLAIT_DEV)
    file(MAKE_DIRECTORY ${CMAKE_SOURCE_DIR}/python/plait)
    file(COPY_FILE "${PLAIT_OPENBLAS_FILE}" ${CMAKE_SOURCE_DIR}/python/plait/libscipy_openblas.so ONLY_IF_DIFFERENT)
  endif()
else()
  message(STATUS "OpenBLAS: not found; the GEMM engine serves alone")
endif()
