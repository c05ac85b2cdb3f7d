# Writes into OUTPUT a ctest entry for each suite of the GoogleTest program PROGRAM: NAME.SUITE. Runs when the program
# has been linked. A suite is one process, for under ASan a program takes longer to start than most tests to run.
# Suites with many tests begin first, so that none of them runs alone at the end.
execute_process(
  COMMAND ${PROGRAM} --gtest_list_tests
  OUTPUT_VARIABLE listed
  RESULT_VARIABLE failure
  TIMEOUT 60)
if(failure)
  message(FATAL_ERROR "${PROGRAM} does not list its tests: ${failure}")
endif()

set(entries "")
function(register suite tests)
  if(tests EQUAL 0)
    return()
  endif()
  math(EXPR timeout_s "600 + 60 * (${tests} - 1)")
  if(timeout_s GREATER 1800) # what hangs is to be named while the whole run still has time
    set(timeout_s 1800)
  endif()
  set(properties "COST ${tests} TIMEOUT ${timeout_s}")
  if(suite STREQUAL "Scale")  # measures milliseconds: alone on the machine
    string(APPEND properties " RUN_SERIAL TRUE")
  endif()
  string(APPEND entries "add_test([[${NAME}.${suite}]] [[${PROGRAM}]] [[--gtest_filter=${suite}.*]])\n"
                        "set_tests_properties([[${NAME}.${suite}]] PROPERTIES ${properties})\n")
  set(entries "${entries}" PARENT_SCOPE)
endfunction()

string(REGEX REPLACE "[ \t]*#[^\n]*" "" listed "${listed}")  # types and values of parameters
string(REGEX MATCHALL "[^\n]+" lines "${listed}")
set(suite "")
set(tests 0)
foreach(line IN LISTS lines)
  if(line MATCHES "^  [^ ]")
    if(NOT line MATCHES "DISABLED_")
      math(EXPR tests "${tests} + 1")
    endif()
  elseif(line MATCHES "^([A-Za-z0-9_/]+)\\.$")
    set(next ${CMAKE_MATCH_1})
    register("${suite}" ${tests})
    set(suite ${next})
    set(tests 0)
  endif()
endforeach()
register("${suite}" ${tests})
file(WRITE ${OUTPUT} "${entries}")
