# Eigen's headers: unpacked into third_party/eigen in a source distribution, else taken from the build
# requirement cmeel-eigen.
set(PLAIT_EIGEN_INCLUDE "")
if(EXISTS "${CMAKE_SOURCE_DIR}/third_party/eigen/Eigen/Core")
  set(PLAIT_EIGEN_INCLUDE "${CMAKE_SOURCE_DIR}/third_party/eigen")
else()
  execute_process(
    COMMAND "${Python_EXECUTABLE}" -c
            "import sysconfig, pathlib; [print(p) for d in {sysconfig.get_path('platlib'), *__import__('site').getsitepackages(), *__import__('sys').path} if (p := pathlib.Path(d, 'cmeel.prefix/include/eigen3')).is_dir()]"
    OUTPUT_VARIABLE PLAIT_EIGEN_FOUND OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  string(REGEX REPLACE "\n.*" "" PLAIT_EIGEN_INCLUDE "${PLAIT_EIGEN_FOUND}")
endif()
message(STATUS "Eigen: ${PLAIT_EIGEN_INCLUDE}")
