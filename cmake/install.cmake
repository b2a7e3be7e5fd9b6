#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#

# Installs the headers, a package for find_package(tarexport [COMPONENTS compression]) and two for pkg-config.

include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tarexport)

install(TARGETS tarexport EXPORT tarexport-targets FILE_SET HEADERS)
install(EXPORT tarexport-targets NAMESPACE tarexport:: DESTINATION ${package_dir})
install(TARGETS tarexport_compression EXPORT tarexport-compression-targets)
install(EXPORT tarexport-compression-targets NAMESPACE tarexport:: DESTINATION ${package_dir})

configure_package_config_file(
    cmake/tarexport-config.cmake.in tarexport-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(tarexport-config-version.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES
    ${PROJECT_BINARY_DIR}/tarexport-config.cmake
    ${PROJECT_BINARY_DIR}/tarexport-config-version.cmake
    DESTINATION ${package_dir})

# The .pc files find their prefix from where they lie, so that an installed tree can be moved.
file(RELATIVE_PATH pc_to_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
foreach(package tarexport tarexport-compression)
    configure_file(cmake/${package}.pc.in ${package}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/${package}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
