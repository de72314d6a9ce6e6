# The kernels, compiled by the host's compiler for a GPU that is pretended (pretended/cuda_runtime.h): splatzip_cuda.
file(GLOB SPLATZIP_KERNELS CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cu)
set_source_files_properties(${SPLATZIP_KERNELS} PROPERTIES LANGUAGE CXX)
add_library(splatzip_cuda STATIC ${SPLATZIP_KERNELS} pretended/runtime.cpp)
target_include_directories(splatzip_cuda PRIVATE pretended)
target_link_libraries(splatzip_cuda PUBLIC splatzip_plans)
target_compile_definitions(splatzip_cuda PRIVATE SPLATZIP_PRETENDED)
# What is not aligned as its type asks for stops a GPU; here it is a trap.
target_compile_options(splatzip_cuda PRIVATE -x c++ -include cuda_runtime.h ${SPLATZIP_HOST_FLAGS} -O2 -g1
  -fvisibility=hidden -fsanitize=alignment -fsanitize-undefined-trap-on-error -U_FORTIFY_SOURCE)
