# The kernels, compiled by nvcc: splatzip_cuda, where there is one that does.
include(CheckLanguage)
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  if(NOT SPLATZIP_CUDA STREQUAL "AUTO")
    message(FATAL_ERROR "SPLATZIP_CUDA is ${SPLATZIP_CUDA}, but there is no nvcc that works")
  endif()
  return()
endif()

if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES AND NOT DEFINED ENV{CUDAARCHS})
  set(SPLATZIP_CUDA_CHOOSES ON)
  set(CMAKE_CUDA_ARCHITECTURES 80-virtual)
endif()
enable_language(CUDA)
if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12)
  if(SPLATZIP_CUDA STREQUAL "AUTO")
    return()
  endif()
  message(FATAL_ERROR "SPLATZIP_CUDA is ${SPLATZIP_CUDA}, but nvcc ${CMAKE_CUDA_COMPILER_VERSION} has no C++20; 12 has")
endif()
if(SPLATZIP_CUDA_CHOOSES AND "${CMAKE_CUDA_ARCHITECTURES_NATIVE}" MATCHES "^[0-9]")
  set(CMAKE_CUDA_ARCHITECTURES ${CMAKE_CUDA_ARCHITECTURES_NATIVE})
endif()
message(STATUS "splatzip._cuda for ${CMAKE_CUDA_ARCHITECTURES} ${CMAKE_CUDA_FLAGS}")
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake before 3.26 does not know that nvcc has it
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
endif()
set(CMAKE_CUDA_RUNTIME_LIBRARY Static)

file(GLOB SPLATZIP_KERNELS CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cu)
add_library(splatzip_cuda STATIC ${SPLATZIP_KERNELS})
target_link_libraries(splatzip_cuda PUBLIC splatzip_plans)
target_compile_options(splatzip_cuda PRIVATE
  "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra,-ffp-contract=off,-fvisibility=hidden;--Werror=all-warnings>")

# Decoding gives the same bits as the CPU: one rounding an operation. What counts a splat's tiles and what lists them must
# agree, too; the rasterizer says `fused` where it does not matter.
file(GLOB SPLATZIP_EXACT CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/decode*.cu ${CMAKE_CURRENT_SOURCE_DIR}/raster*.cu
     ${CMAKE_CURRENT_SOURCE_DIR}/repair*.cu)
set_source_files_properties(${SPLATZIP_EXACT} PROPERTIES COMPILE_OPTIONS "--fmad=false")
