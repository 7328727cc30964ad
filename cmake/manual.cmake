# Man pages and completions of both programs, made from their tables of options while building.
# Commands are taken from flowctl's own objects: what it has is what is described.
set(FT_MANUAL_DIR ${CMAKE_BINARY_DIR}/manual)
set(FT_ZSH_FUNCTIONS share/zsh/site-functions CACHE STRING "where zsh looks for completions")
string(TIMESTAMP FT_MANUAL_DATE "%Y-%m-%d" UTC) # SOURCE_DATE_EPOCH, if that is set

file(GLOB FT_MANUAL_SOURCES CONFIGURE_DEPENDS cli/manual/*.c)
add_executable(flowtrace-manual ${FT_MANUAL_SOURCES} user/collector/config/table.c
	$<FILTER:$<TARGET_OBJECTS:flowctl>,EXCLUDE,/cli/flowctl[.]c[.]o>)
target_include_directories(flowtrace-manual PRIVATE cli/manual cli/flowctl user/collector)
target_link_libraries(flowtrace-manual PRIVATE $<TARGET_PROPERTY:flowctl,LINK_LIBRARIES>)

# The folder is made anew, so that no page of a former command is left in it.
add_custom_command(OUTPUT ${FT_MANUAL_DIR}/made
	COMMAND ${CMAKE_COMMAND} -E rm -rf ${FT_MANUAL_DIR}
	COMMAND ${CMAKE_COMMAND} -E make_directory ${FT_MANUAL_DIR}
	COMMAND flowtrace-manual ${FT_MANUAL_DIR} ${FT_MANUAL_DATE}
	COMMAND ${CMAKE_COMMAND} -E touch ${FT_MANUAL_DIR}/made
	DEPENDS flowtrace-manual VERBATIM
	COMMENT "Making man pages and completions")
add_custom_target(manual ALL DEPENDS ${FT_MANUAL_DIR}/made)

if(NOT FT_BPF)
	set(FT_MANUAL_LEFT_OUT PATTERN *flowtrace-bpf* EXCLUDE)
endif()
install(DIRECTORY ${FT_MANUAL_DIR}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 ${FT_MANUAL_LEFT_OUT})
install(DIRECTORY ${FT_MANUAL_DIR}/bash/ DESTINATION share/bash-completion/completions ${FT_MANUAL_LEFT_OUT})
install(DIRECTORY ${FT_MANUAL_DIR}/zsh/ DESTINATION ${FT_ZSH_FUNCTIONS} ${FT_MANUAL_LEFT_OUT})
install(DIRECTORY ${FT_MANUAL_DIR}/fish/ DESTINATION share/fish/vendor_completions.d ${FT_MANUAL_LEFT_OUT})
