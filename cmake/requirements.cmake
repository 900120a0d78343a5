# pip installs the requirements of a build into a new temporary folder each time. Headers that are compiled in are copied
# from there to a fixed place, and touched only where they differ, so that a second build finds its objects up to date.
function(plait_copy_requirement source destination)
  file(GLOB_RECURSE files RELATIVE "${source}" "${source}/*.h" "${source}/*.cmake")
  foreach(file IN LISTS files)
    get_filename_component(folder "${destination}/${file}" DIRECTORY)
    file(MAKE_DIRECTORY "${folder}")
    file(COPY_FILE "${source}/${file}" "${destination}/${file}" ONLY_IF_DIFFERENT)
  endforeach()
endfunction()

set(PLAIT_PYBIND11_COPY "${CMAKE_BINARY_DIR}/requirements/pybind11")
if(NOT pybind11_DIR OR pybind11_DIR STREQUAL "${PLAIT_PYBIND11_COPY}/share/cmake/pybind11")
  execute_process(
    COMMAND "${Python_EXECUTABLE}" -c "import pybind11; print(pybind11.__path__[0])"
    OUTPUT_VARIABLE PLAIT_PYBIND11 OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(PLAIT_PYBIND11)
    plait_copy_requirement("${PLAIT_PYBIND11}" "${PLAIT_PYBIND11_COPY}")
    set(pybind11_DIR "${PLAIT_PYBIND11_COPY}/share/cmake/pybind11")
  endif()
endif()
find_package(pybind11 3 CONFIG REQUIRED)
