# SPDX-License-Identifier: MIT
include(CheckLinkerFlag)

# pdc_program(NAME [SOURCES file...] [RANKS n...] [LINK target...] [LABELS label...] [SIBLINGS name...] [TWIN name]
#             [PCH target] [FOLDER folder] [FIRST])
#
# Makes one program of the book out of NAME.cpp in the chapter's folder, or in FOLDER below it:
#   target    <chapter>.<NAME>, executable build/<preset>/<chapter>/<NAME>
#   tests     <chapter>.<NAME>, or with RANKS one under mpirun for each count, <chapter>.<NAME>.np<n>
#   catalog   an entry in build/<preset>/catalog.json, its summary read from the page's first line
# SOURCES are .cpp files beside the page that belong to this program, too. RANKS makes it an MPI program. LABELS go to
# its tests; `tbb` says that it uses oneTBB, `threads` that its ranks have threads. SIBLINGS are the chapter's programs that
# it starts: whoever builds it for a run has to build them, too. TWIN: it starts another executable, made of the .cpp of
# that name beside the page with ThreadSanitizer; where that cannot run, the page ends with status 3, and its test is
# skipped. PCH names a target whose precompiled header it shares, instead of the one that all pages share; NONE: it has
# none. FIRST: `./pdc tour first` shows it. A misspelt keyword, or a page without its header labels, fails the configure step.
function(pdc_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "FIRST" "PCH;FOLDER;TWIN" "SOURCES;RANKS;LINK;LABELS;SIBLINGS")
  if(arg_UNPARSED_ARGUMENTS OR arg_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "pdc_program(${name}): cannot read '${arg_UNPARSED_ARGUMENTS}${arg_KEYWORDS_MISSING_VALUES}'")
  endif()
  cmake_path(GET CMAKE_CURRENT_SOURCE_DIR FILENAME chapter)
  set(sources "")
  foreach(file IN ITEMS "${name}.cpp" ${arg_SOURCES})
    cmake_path(APPEND CMAKE_CURRENT_SOURCE_DIR "${arg_FOLDER}" "${file}" OUTPUT_VARIABLE source)
    list(APPEND sources "${source}")
  endforeach()
  set(target "${chapter}.${name}")

  list(GET sources 0 source)
  pdc_read_page("${source}" "${name}" page summary)
  configure_file("${PROJECT_SOURCE_DIR}/common/cmake/page.cpp.in" "${CMAKE_CURRENT_BINARY_DIR}/${name}.page.cpp" @ONLY)
  set(constants "${CMAKE_CURRENT_BINARY_DIR}/${name}.page.cpp")
  set_source_files_properties("${constants}" PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
  add_executable(${target} ${sources} "${constants}")
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name})
  target_link_libraries(${target} PRIVATE $<IF:$<BOOL:${arg_RANKS}>,pdc::mpi,pdc::common> ${arg_LINK})
  if(NOT arg_PCH)
    set(arg_PCH pages.common)
    if(arg_RANKS)
      set(arg_PCH pages.mpi)
    endif()
  endif()
  if(arg_PCH AND NOT arg_PCH STREQUAL "NONE")
    target_precompile_headers(${target} REUSE_FROM ${arg_PCH})
  endif()

  set(mpi false)
  set(ranks "")
  set(counts ${arg_RANKS})
  set(run "${PROJECT_SOURCE_DIR}/tests/programs/run_program.sh")
  if(CMAKE_CXX_FLAGS MATCHES "-fsanitize=thread" AND (arg_RANKS OR "tbb" IN_LIST arg_LABELS) AND NOT "threads" IN_LIST arg_LABELS)
    # It has nothing to say of ranks of one thread, and does not understand Debian's oneTBB, which is not built for it.
    set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL ON)
    set(counts "")
  endif()
  if(arg_RANKS)
    set(mpi true)
    list(JOIN arg_RANKS ", " ranks)
    if(CMAKE_CXX_FLAGS MATCHES "-fsanitize" AND counts)  # one count: others show the same, and take seconds to launch
      list(GET counts 0 count)
      if(3 IN_LIST counts)
        set(count 3)
      endif()
      set(counts ${count})
    endif()
    foreach(count IN LISTS counts)
      add_test(NAME ${target}.np${count} COMMAND "${run}" "${MPIEXEC_EXECUTABLE}" -np ${count} $<TARGET_FILE:${target}>)
      pdc_test_properties(${target}.np${count} LABELS program ${chapter} mpi ${arg_LABELS})
    endforeach()
  elseif(arg_TWIN)
    cmake_path(REPLACE_FILENAME source "${arg_TWIN}.cpp" OUTPUT_VARIABLE twin)
    pdc_twin(${target} ${arg_TWIN} "${twin}")
    list(APPEND sources "${twin}")
    if(NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize=address")  # clang++'s ThreadSanitizer tells no lines without another package
      add_test(NAME ${target} COMMAND "${run}" --skip-refused $<TARGET_FILE:${target}>)
      pdc_test_properties(${target} LABELS program ${chapter} ${arg_LABELS})
      set_tests_properties(${target} PROPERTIES SKIP_RETURN_CODE 77)  # run_program.sh's
    endif()
  else()
    add_test(NAME ${target} COMMAND "${run}" $<TARGET_FILE:${target}>)
    pdc_test_properties(${target} LABELS program ${chapter} ${arg_LABELS})
  endif()

  pdc_catalog_line(${name} ${chapter} "${arg_RANKS}" "${arg_SIBLINGS}" "${arg_FIRST}" "${summary}")
  pdc_json_string("${summary}" summary)
  list(TRANSFORM arg_SIBLINGS REPLACE "(.+)" "\"\\1\"" OUTPUT_VARIABLE siblings)
  list(JOIN siblings ", " siblings)
  set_property(GLOBAL APPEND_STRING PROPERTY PDC_CATALOG
    ",\n  {\"name\": \"${name}\", \"chapter\": \"${chapter}\", \"summary\": ${summary}, \"executable\": \"${chapter}/${name}\", \"mpi\": ${mpi}, \"ranks\": [${ranks}], \"siblings\": [${siblings}], \"twin\": \"${arg_TWIN}\"}")
  set_property(DIRECTORY APPEND PROPERTY PDC_PROGRAMS ${name})
  set_property(DIRECTORY APPEND PROPERTY PDC_SOURCES ${sources})
  set_property(DIRECTORY APPEND PROPERTY PDC_SIBLINGS ${arg_SIBLINGS})
  set_property(GLOBAL APPEND PROPERTY PDC_PROGRAM_NAMES ${target})
  set_property(GLOBAL PROPERTY PDC_LABELS_${target} ${arg_LABELS})
  set_property(GLOBAL PROPERTY PDC_RANKS_${target} ${arg_RANKS})
endfunction()

# pdc_twin(TARGET NAME SOURCE): an executable beside that of TARGET, built with it. ThreadSanitizer watches it, whatever
# the preset asks for; so it has neither the library, which does not tell the sanitizer what it does, nor a precompiled
# header. A compiler without ThreadSanitizer leaves it out.
function(pdc_twin target name source)
  set(CMAKE_CXX_FLAGS "")  # of the check alone: another sanitizer would not go with it
  check_linker_flag(CXX -fsanitize=thread PDC_HAS_THREAD_SANITIZER)
  if(NOT PDC_HAS_THREAD_SANITIZER)
    message(STATUS "${name}: this compiler has no ThreadSanitizer, so ${target} cannot run")
    return()
  endif()
  add_executable(${target}.twin "${source}")
  set(sanitizer -fno-sanitize=all -fsanitize=thread)
  target_compile_options(${target}.twin PRIVATE ${sanitizer} -O1 -g)
  target_link_options(${target}.twin PRIVATE ${sanitizer})
  target_link_libraries(${target}.twin PRIVATE Threads::Threads)
  set_target_properties(${target}.twin PROPERTIES OUTPUT_NAME ${name})
  add_dependencies(${target} ${target}.twin)
endfunction()

# pdc_precompile(TARGET LINK target... HEADERS header...): a precompiled header that other targets share.
function(pdc_precompile target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LINK;HEADERS")
  file(CONFIGURE OUTPUT "${target}.cpp" CONTENT "// Only there to be compiled with the precompiled header.\n")
  add_library(${target} OBJECT "${CMAKE_CURRENT_BINARY_DIR}/${target}.cpp")
  target_link_libraries(${target} PRIVATE ${arg_LINK})
  target_precompile_headers(${target} PRIVATE ${arg_HEADERS})
endfunction()

# The end of a chapter: a target of its name makes all its programs. Every .cpp of the folder, and of those below it, has
# to belong to one: a page that nobody builds rots. Every sibling has to be one.
function(pdc_no_orphans)
  get_property(programs DIRECTORY PROPERTY PDC_PROGRAMS)
  get_property(sources DIRECTORY PROPERTY PDC_SOURCES)
  get_property(siblings DIRECTORY PROPERTY PDC_SIBLINGS)
  cmake_path(GET CMAKE_CURRENT_SOURCE_DIR FILENAME chapter)
  list(REMOVE_ITEM siblings ${programs})
  if(siblings)
    message(FATAL_ERROR "${siblings}: SIBLINGS that are no pdc_program() of ${CMAKE_CURRENT_SOURCE_DIR}/CMakeLists.txt")
  endif()
  add_custom_target(${chapter})
  list(TRANSFORM programs PREPEND "${chapter}." OUTPUT_VARIABLE targets)
  add_dependencies(${chapter} ${targets})
  file(GLOB_RECURSE orphans CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  list(REMOVE_ITEM orphans ${sources})
  foreach(orphan IN LISTS orphans)
    message(FATAL_ERROR "${orphan} is in no pdc_program() of ${CMAKE_CURRENT_SOURCE_DIR}/CMakeLists.txt")
  endforeach()
endfunction()

# pdc_test_properties(TEST LABELS label... [PROCESSORS n] [COST seconds]): what every test of a program, or one that starts
# programs, needs. PROCESSORS: how many it keeps busy, 1 unless it is said. COST: about how long it takes, said of those that
# take long, since they begin first. Those that start a program many times, or a slow one, and those of benchmarks have it
# time one round only.
function(pdc_test_properties test)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "PROCESSORS;COST" "LABELS")
  set_tests_properties(${test} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT 300 ENVIRONMENT "${PDC_TEST_ENVIRONMENT}")
  foreach(property IN ITEMS PROCESSORS COST)
    if(arg_${property})
      set_tests_properties(${test} PROPERTIES ${property} ${arg_${property}})
    endif()
  endforeach()
  if("faults" IN_LIST arg_LABELS OR "bench" IN_LIST arg_LABELS OR ("program" IN_LIST arg_LABELS AND CMAKE_CXX_FLAGS MATCHES "-fsanitize"))
    set_property(TEST ${test} APPEND PROPERTY ENVIRONMENT PDC_ONE_ROUND=1)
  endif()
endfunction()

# Called once, after the last chapter.
function(pdc_write_catalog)
  get_property(entries GLOBAL PROPERTY PDC_CATALOG)
  get_property(lines GLOBAL PROPERTY PDC_CATALOG_LINES)
  string(REGEX REPLACE "^," "" entries "${entries}")
  file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/catalog.json" CONTENT "[${entries}\n]\n" @ONLY)
  file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/catalog.tsv" CONTENT "${lines}" @ONLY)
endfunction()

# The same for the launcher, a line for each program: name, chapter, ranks, siblings, whether it is one of the first,
# summary. A tab stands between them, a blank between ranks and between siblings, `-` for none.
function(pdc_catalog_line name chapter ranks siblings first summary)
  foreach(field IN ITEMS ranks siblings)
    string(REPLACE ";" " " ${field} "${${field}}")
    if("${${field}}" STREQUAL "")
      set(${field} "-")
    endif()
  endforeach()
  set_property(GLOBAL APPEND_STRING PROPERTY PDC_CATALOG_LINES
    "${name}\t${chapter}\t${ranks}\t${siblings}\t${first}\t${summary}\n")
endfunction()

# The page's header comment (its first lines that begin with //) and the summary in its first line.
function(pdc_read_page source name page_out summary_out)
  if(NOT EXISTS "${source}")
    message(FATAL_ERROR "pdc_program(${name}): there is no ${source}")
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${source}")
  file(READ "${source}" text LIMIT 4096)
  string(REGEX MATCH "^(//[^\n]*\n)+" page "${text}")
  foreach(label "Concept" "Shows" "Run" "You see" "Next")
    if(NOT page MATCHES "\n// ${label}  *[^ ]")
      message(FATAL_ERROR "${source}: its header comment has no '${label}'")
    endif()
  endforeach()
  string(REPLACE "_" " " title "${name}")
  string(REGEX MATCH "^// ([^:\n]*): ([^\n]*[^.\n])\\.?\n" first "${page}")
  string(TOLOWER "${CMAKE_MATCH_1}" given)
  if(NOT given STREQUAL title)
    message(FATAL_ERROR "${source}: the first line has to read '// ${title}: its summary'")
  endif()
  set(${summary_out} "${CMAKE_MATCH_2}" PARENT_SCOPE)
  set(${page_out} "${page}" PARENT_SCOPE)
endfunction()

function(pdc_json_string text out)
  string(REPLACE "\\" "\\\\" text "${text}")
  string(REPLACE "\"" "\\\"" text "${text}")
  set(${out} "\"${text}\"" PARENT_SCOPE)
endfunction()
