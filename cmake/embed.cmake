# The pages built in web/dist, put into a binary.
#   embed_web(target)    adds a generated source with the table of src/app/pages.h to `target`
# The same file, run with `cmake -P`, is the generator. It runs at build time: a build without web/dist
# stops with a message, and a changed web/dist is noticed by the next build (through a depfile, because
# the hashed file names are not known when configuring).

function(embed_web target)
  set(dist ${CMAKE_SOURCE_DIR}/web/dist)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${target}_pages.cc)
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DDIST=${dist} -DOUT=${out} -P ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
    DEPENDS ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
    DEPFILE ${out}.d
    COMMENT "Embedding web/dist"
    VERBATIM)
  target_sources(${target} PRIVATE ${out})
endfunction()

if(NOT CMAKE_SCRIPT_MODE_FILE)
  return()
endif()

function(content_type path result)
  get_filename_component(extension ${path} LAST_EXT)
  set(type application/octet-stream)
  set(types .html text/html .js text/javascript .css text/css .txt text/plain .json application/json
      .svg image/svg+xml .png image/png .webp image/webp .ico image/x-icon .woff2 font/woff2)
  list(FIND types "${extension}" at)
  if(at GREATER_EQUAL 0)
    math(EXPR at "${at} + 1")
    list(GET types ${at} type)
  endif()
  if(type MATCHES "^text/")
    string(APPEND type "; charset=utf-8")
  endif()
  set(${result} "${type}" PARENT_SCOPE)
endfunction()

if(NOT EXISTS ${DIST}/index.html)
  message(FATAL_ERROR "web/dist is missing: run `./dev build`, or `npm ci && npm run build` in web/.")
endif()

file(GLOB_RECURSE paths RELATIVE ${DIST} ${DIST}/*)
list(FILTER paths EXCLUDE REGEX "\\.map$")
list(SORT paths)
set(packed ${OUT}.gz)
file(REMOVE_RECURSE ${packed})
file(MAKE_DIRECTORY ${packed})
set(blobs "")
set(rows "")
set(depends "")
set(n 0)
foreach(path ${paths})
  set(file ${DIST}/${path})
  content_type(${path} type)
  file(SHA256 ${file} hash)
  string(SUBSTRING ${hash} 0 20 etag)
  file(SIZE ${file} plain_size)
  execute_process(COMMAND gzip -9 -n -c ${file} OUTPUT_FILE ${packed}/${n} COMMAND_ERROR_IS_FATAL ANY)
  file(SIZE ${packed}/${n} gzip_size)
  string(APPEND blobs "BLOB(plain_${n}, \"${file}\")\n")
  set(gzip "{}")
  # Fonts and pictures are packed already: a tenth must be won to be worth a second copy.
  math(EXPR worth "${plain_size} * 9 / 10")
  if(gzip_size LESS worth)
    string(APPEND blobs "BLOB(gzip_${n}, \"${packed}/${n}\")\n")
    set(gzip "{gzip_${n}, ${gzip_size}}")
  endif()
  string(APPEND rows "    {\"/${path}\", \"${type}\", \"\\\"${etag}\\\"\", {plain_${n}, ${plain_size}}, ${gzip}},\n")
  string(APPEND depends " ${file}")
  math(EXPR n "${n} + 1")
endforeach()

file(WRITE ${OUT} "// Generated from web/dist by cmake/embed.cmake.
#include \"app/pages.h\"

// The assembler copies the files in, so that the compiler need not read them.
#define BLOB(name, file)                                                     \\
  __asm__(\".pushsection .rodata\\n.balign 16\\nweir_page_\" #name             \\
          \":\\n.incbin \\\"\" file \"\\\"\\n.byte 0\\n.popsection\\n\");            \\
  extern const uint8_t name[] __asm__(\"weir_page_\" #name) \\
      __attribute__((visibility(\"hidden\")));

${blobs}
namespace weir::app {
namespace {
const Page kPages[] = {
${rows}};
}  // namespace

std::span<const Page> pages() { return kPages; }

}  // namespace weir::app
")
# web/dist itself is named too: a file added or removed changes the directory.
file(WRITE ${OUT}.d "${OUT}: ${DIST}/index.html ${DIST} ${DIST}/assets${depends}\n")
