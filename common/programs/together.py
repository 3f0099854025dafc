# SPDX-License-Identifier: MIT
"""Many versions of one page in one source file, so that what they share is compiled once.

Each version is a namespace, with those of the page's own headers in it that differ, and those that
open the same namespace as one of these: otherwise one would hide the other. All else that the page
includes stands above them. An executable holds the number of its version in its data:
choose() changes it there, not in the environment or the arguments, since programs start themselves
again without these.

All versions' objects at namespace scope are made in each executable. Those that are more than a
constant do not belong in a page.
"""

import re
from collections.abc import Mapping
from pathlib import Path

MARK = b"the version is number "
DIGITS = 9
OWN = re.compile(r'#include "(.*)"')
OPENED = re.compile(r"^namespace (\w+) ", re.M)
MAIN = """
namespace {{
volatile char version[] = "{mark}";
int call(int (*version_main)(int, char**), int argc, char** argv) {{
  return version_main(argc, argv);
}}
int call(int (*version_main)(), int, char**) {{ return version_main(); }}
}}  // namespace

int main(int argc, char** argv) {{
  int number = 0;
  for (int i = {first}; version[i] != 0; ++i) number = 10 * number + version[i] - '0';
  switch (number) {{
    {cases}
  }}
}}
"""


class CannotBe(Exception):
    """The page has what cannot stand in a namespace."""


def source_of(page: Path, versions: Mapping[int, Mapping[Path, str]]) -> str:
    """One source file of the versions of a page, each by the texts that its files have in it, where
    they differ. Each `main` has to return a value. Errors: CannotBe."""
    includes: dict[str, None] = {}
    versions = {n: {path.resolve(): text for path, text in v.items()} for n, v in versions.items()}
    differ = {path for texts in versions.values() for path in texts}
    bodies = {
        number: body_of(page.resolve(), texts, differ, includes, set())
        for number, texts in versions.items()
    }
    spaces = [f"namespace version_{n} {{\n{body}\n}}\n" for n, body in bodies.items()]
    cases = [f"case {n}: return call(version_{n}::main, argc, argv);" for n in bodies]
    mark = marked(0).decode()
    main = MAIN.format(mark=mark, first=len(MARK), cases="\n    ".join(cases))
    return "\n".join([*includes, *spaces, main])


def body_of(
    file: Path,
    texts: Mapping[Path, str],
    differ: set[Path],
    includes: dict[str, None],
    seen: set[Path],
) -> str:
    """The file, with those of its own headers that differ where it includes them first, and without
    its other includes."""
    seen.add(file)
    lines = []
    for line in (texts.get(file) or file.read_text()).splitlines():
        header = own_header(file, line)
        if header and differs(header, differ):
            if header not in seen:
                lines.append(body_of(header, texts, differ, includes, seen))
        elif header:
            includes[f'#include "{header}"'] = None
        elif line.startswith("#include"):
            includes[line] = None
        elif line.startswith("#") and line != "#pragma once":
            raise CannotBe(line)
        else:
            lines.append(line)
    return "\n".join(lines)


def own_header(file: Path, line: str) -> Path | None:
    """What the line includes from beside the file."""
    include = OWN.match(line)
    header = (file.parent / include[1]).resolve() if include else None
    return header if header and header.is_file() else None


def differs(header: Path, differ: set[Path]) -> bool:
    """Whether it is not the same in all versions, with all that it includes and belongs to."""
    opened = {name for path in differ if path.suffix == ".hpp" for name in names_opened(path)}
    if header in differ or opened & names_opened(header):
        return True
    included = (own_header(header, line) for line in header.read_text().splitlines())
    return any(differs(each, differ) for each in included if each)


def names_opened(header: Path) -> set[str]:
    """The namespaces that it opens."""
    return set(OPENED.findall(header.read_text()))


def choose(number: int, executable: bytes) -> bytes:
    """An executable of source_of(), as that version."""
    return executable.replace(marked(0), marked(number))


def marked(number: int) -> bytes:
    return MARK + b"%0*d" % (DIGITS, number)
