# Eigen's headers: unpacked into third_party/eigen in a source distribution, else taken from the build
# requirement cmeel-eigen.
if(EXISTS "${CMAKE_SOURCE_DIR}/third_party/eigen/Eigen/Core")
  set(PLAIT_EIGEN_INCLUDE "${CMAKE_SOURCE_DIR}/third_party/eigen")
else()
  execute_process(
    COMMAND "${Python_EXECUTABLE}" "${CMAKE_CURRENT_LIST_DIR}/find_eigen.py"
    OUTPUT_VARIABLE PLAIT_EIGEN_INCLUDE OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
message(STATUS "Eigen: ${PLAIT_EIGEN_INCLUDE}")
