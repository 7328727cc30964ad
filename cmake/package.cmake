# A Debian package of what is installed: cpack -G DEB, or ./dev deb.
set(FT_PACKAGE_CONTACT "FlowTrace BPF authors <flowtrace-bpf@example.com>" CACHE STRING
	"who answers for the package")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME flowtrace-bpf)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "${FT_PACKAGE_CONTACT}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "trace every call of a running Python program")
set(CPACK_RESOURCE_FILE_LICENSE ${CMAKE_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
	GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "python3")
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"flowtrace-bpf shows every call of a running CPython program, with its
arguments, result, exception and duration, as lines of JSON. The program
needs no change and no restart: BPF programs in the kernel read the values
from the interpreter's memory.
.
flowctl reads these traces: what calls cost, which were slow, what was
raised. It also prepares Python code for tracing from inside.")

# Where Debian differs from cmake --install: done in the tree that is packed.
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/cmake/debian/layout.cmake)
set(CPACK_DEBIAN_CHANGELOG ${CMAKE_BINARY_DIR}/debian/changelog.Debian)
set(CPACK_DEBIAN_NEWS ${CMAKE_SOURCE_DIR}/CHANGELOG.md)
set(CPACK_DEBIAN_ZSH_FROM ${FT_ZSH_FUNCTIONS})
string(TIMESTAMP FT_PACKAGE_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC) # SOURCE_DATE_EPOCH
configure_file(cmake/debian/changelog.in ${CPACK_DEBIAN_CHANGELOG} @ONLY)
include(CPack)
