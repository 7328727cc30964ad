# Run by CPack on the tree that it packs: files where Debian's policy has them, packed as it asks.
set(usr ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr)
set(doc ${usr}/share/doc/${CPACK_PACKAGE_NAME})

file(MAKE_DIRECTORY ${usr}/share/zsh ${doc})
file(RENAME ${usr}/${CPACK_DEBIAN_ZSH_FROM} ${usr}/share/zsh/vendor-completions)

file(READ ${CPACK_RESOURCE_FILE_LICENSE} license)
file(WRITE ${doc}/copyright "${license}
On Debian systems the text of the GNU General Public License, version 2, is in
/usr/share/common-licenses/GPL-2.
")
configure_file(${CPACK_DEBIAN_NEWS} ${doc}/changelog COPYONLY)
configure_file(${CPACK_DEBIAN_CHANGELOG} ${doc}/changelog.Debian COPYONLY)

file(GLOB pages ${usr}/share/man/man1/*.1)
execute_process(COMMAND gzip -9nf ${pages} ${doc}/changelog ${doc}/changelog.Debian
	COMMAND_ERROR_IS_FATAL ANY)
file(GLOB_RECURSE packed ${usr}/share/*)
file(CHMOD ${packed} PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
