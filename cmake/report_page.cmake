# report_page(TARGET): the page of `flowctl report`, bundled from cli/flowctl/report and from npm's
# packages as ./dev setup has put them into FLOWTRACE_NPM; no network. Without these the program is
# built all the same, and its report command says what is missing.
set(FT_REPORT_DIR ${CMAKE_SOURCE_DIR}/cli/flowctl/report)
set(FT_NPM /var/cache/flowtrace/npm)
if(DEFINED ENV{FLOWTRACE_NPM})
	set(FT_NPM $ENV{FLOWTRACE_NPM})
endif()

# Are the packages there those that the lock names?
function(report_packages ret_found)
	set(found FALSE)
	if(EXISTS ${FT_NPM}/node_modules/esbuild AND EXISTS ${FT_NPM}/package-lock.json)
		file(SHA256 ${FT_NPM}/package-lock.json there)
		file(SHA256 ${FT_REPORT_DIR}/package-lock.json wanted)
		if(there STREQUAL wanted)
			set(found TRUE)
		endif()
	endif()
	set(${ret_found} ${found} PARENT_SCOPE)
endfunction()

function(report_page target)
	find_program(FT_NODE NAMES node nodejs)
	report_packages(found)
	set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
		${FT_REPORT_DIR}/package-lock.json)
	if(NOT FT_REPORT OR NOT FT_NODE OR NOT found)
		message(STATUS "flowctl report: left out; it needs node, and the packages that "
			"./dev setup fetches into ${FT_NPM}")
		return()
	endif()
	file(GLOB sources CONFIGURE_DEPENDS ${FT_REPORT_DIR}/*.js ${FT_REPORT_DIR}/*.mjs
		${FT_REPORT_DIR}/*.css ${FT_REPORT_DIR}/*.html)
	set(page ${CMAKE_BINARY_DIR}/report/page.html)
	file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/report)
	add_custom_command(OUTPUT ${page}
		COMMAND ${FT_NODE} ${FT_REPORT_DIR}/bundle.mjs ${FT_NPM}/node_modules ${page}
		DEPENDS ${sources} ${FT_NPM}/package-lock.json
		COMMENT "Report page" VERBATIM)
	add_custom_target(report_page DEPENDS ${page})
	add_dependencies(${target} report_page)
	set_source_files_properties(cli/flowctl/report_page.c PROPERTIES
		COMPILE_DEFINITIONS "FT_REPORT_PAGE=\"${page}\"" OBJECT_DEPENDS ${page})
endfunction()
