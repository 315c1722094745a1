"""What the checks need to know of C++: comments, strings, functions, and lists of allowed exceptions."""
import pathlib
import re

_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
      | (?P<string>R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)" | "(?:\\.|[^"\\\n])*")
      | (?P<number>\b\d[\w']*)
      | (?P<char>'(?:\\.|[^'\\\n])+')""",
    re.VERBOSE | re.DOTALL,
)


def strip(text, strings=True):
    """The code without comments, and without the contents of strings when strings is False; line
    numbers stay."""

    def blank(match):
        token = match.group()
        if match.lastgroup == "number" or (strings and match.group("comment") is None):
            return token
        newlines = "\n" * token.count("\n")
        return newlines or " " if match.group("comment") else '""' + newlines

    return _TOKEN.sub(blank, text)


def sources(root, suffixes=(".h", ".cc")):
    """Our C++ files under src/, as paths relative to root, sorted."""
    return sorted(p.relative_to(root) for p in (root / "src").rglob("*") if p.suffix in suffixes)


def is_test(path):
    return bool(re.search(r"_(test|fuzz|bench)\.(cc|h)$", path.name)) or path.name.startswith("test_")


def functions(text):
    """(name, first line, lines) of each function with a body; nested lambdas belong to their function."""
    code = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", lambda m: "\n" * m.group().count("\n"),
                  strip(text, strings=False), flags=re.MULTILINE)
    found, stack, start = [], [], 0
    for i, c in enumerate(code):
        if c == "{":
            kind = _kind(code[start:i], stack[-1][0] if stack else "space")
            stack.append((kind, start + len(code[start:i]) - len(code[start:i].lstrip()), code[start:i]))
            start = i + 1
        elif c == "}" and stack:
            kind, begin, head = stack.pop()
            if kind == "function":
                first = code.count("\n", 0, begin) + 1
                name = re.search(r"(operator\s*\S+?|[\w~:]+)\s*\(", head)
                found.append((name.group(1) if name else "?", first, code.count("\n", 0, i) + 2 - first))
            # after an initializer inside a head (`: a_{1}, b_{2} {`) the head goes on
            start = begin if kind == "value" else i + 1
        elif c == ";":
            start = i + 1
    return found


def _kind(head, outer):
    if outer not in ("space", "type"):
        return "inner"
    flat = head
    while (shorter := re.sub(r"\([^()]*\)", "()", flat.replace("()", "\0"))) != flat.replace("()", "\0"):
        flat = shorter
    flat = flat.replace("\0", "()")
    if re.search(r"\bnamespace\b|\bextern\s*\"\"\s*$", flat):
        return "space"
    if "(" not in flat and re.search(r"\b(class|struct|union|enum)\b", flat):
        return "type"
    if re.search(r"(?<![=!<>+\-*/%&|^])=(?!=)", re.sub(r"\boperator\s*\S+", "", flat)) or "(" not in flat:
        return "value"
    # `Name(...) : member_{` opens an initializer, `Name(...) : member_{1} {` the body
    if re.search(r"\)[^()]*:(?!:).*[\w>]\s*$", flat, re.DOTALL) and not flat.rstrip().endswith("}"):
        return "value"
    return "function"


class Allowed:
    """Lines `path what: reason`. An exception nobody needs any more is itself a finding."""

    def __init__(self, file):
        self._file, self._reasons, self._used = file, {}, set()
        if not file.exists():
            return
        for number, line in enumerate(file.read_text().splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            match = re.fullmatch(r"(\S+) ([^:]+): (.{10,})", line)
            if not match:
                raise SystemExit(f"{file}:{number}: want `path what: reason`")
            self._reasons[match.group(1), match.group(2)] = number

    def __call__(self, path, what):
        key = (str(path), what)
        if key in self._reasons:
            self._used.add(key)
        return key in self._reasons

    def unused(self):
        return [f"{self._file.name}:{n}: `{p} {w}` is not needed any more"
                for (p, w), n in self._reasons.items() if (p, w) not in self._used]


def root_of(argv):
    return pathlib.Path(argv[1] if len(argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
