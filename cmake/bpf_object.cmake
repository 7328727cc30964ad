# bpf_object(NAME source.bpf.c...): compiles each source for the BPF target, links them into
# one object and makes the target NAME_skel, which carries NAME.skel.h.
find_program(BPF_CLANG NAMES clang clang-14 REQUIRED)
find_program(BPFTOOL NAMES bpftool PATHS /usr/sbin /usr/local/sbin REQUIRED)
file(GLOB BPF_HEADERS CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/bpf/*.h ${CMAKE_SOURCE_DIR}/vmlinux/*.h
	${CMAKE_SOURCE_DIR}/bpf/arch/${FT_ARCH}/*.h)
set(BPF_TARGET_x86_64 x86) # as libbpf's bpf_tracing.h calls it

function(bpf_object name)
	set(out ${CMAKE_BINARY_DIR}/bpf)
	file(MAKE_DIRECTORY ${out})
	set(objects)
	foreach(source ${ARGN})
		get_filename_component(base ${source} NAME_WLE)
		set(object ${out}/${base}.o)
		add_custom_command(OUTPUT ${object}
			COMMAND ${BPF_CLANG} -target bpf -D__TARGET_ARCH_${BPF_TARGET_${FT_ARCH}} -mcpu=v2
				-g -O2 -Wall -Wextra -Werror -Wno-unused-parameter
				-I${CMAKE_SOURCE_DIR}/bpf -I${CMAKE_SOURCE_DIR}/bpf/arch/${FT_ARCH}
				-I${CMAKE_SOURCE_DIR}/vmlinux
				-c ${CMAKE_SOURCE_DIR}/${source} -o ${object}
			DEPENDS ${CMAKE_SOURCE_DIR}/${source} ${BPF_HEADERS}
			COMMENT "BPF ${source}" VERBATIM)
		list(APPEND objects ${object})
	endforeach()
	add_custom_command(OUTPUT ${out}/${name}.linked.o
		COMMAND ${BPFTOOL} gen object ${out}/${name}.linked.o ${objects}
		DEPENDS ${objects} COMMENT "BPF link ${name}" VERBATIM)
	add_custom_command(OUTPUT ${out}/${name}.skel.h
		COMMAND sh -c "'${BPFTOOL}' gen skeleton ${name}.linked.o name ${name} > ${name}.skel.h"
		DEPENDS ${out}/${name}.linked.o WORKING_DIRECTORY ${out}
		COMMENT "BPF skeleton ${name}.skel.h" VERBATIM)
	add_custom_target(${name}_skel_h DEPENDS ${out}/${name}.skel.h)
	add_library(${name}_skel INTERFACE)
	add_dependencies(${name}_skel ${name}_skel_h)
	target_include_directories(${name}_skel SYSTEM INTERFACE ${out})
endfunction()
