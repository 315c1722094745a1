"""Rows of the result, printed and written into docs/benchmarks.md."""
import dataclasses
import math
import pathlib
import re
import statistics

BEGIN, END = "<!-- table: written by ./dev bench --write -->", "<!-- end of table -->"


@dataclasses.dataclass
class Row:
    what: str
    unit: str
    ours: list            # one value for each round
    other: list = None    # of the same rounds
    against: str = ""
    bar: float = None     # for the ratio when there is an other, else for our value
    bar_is_ratio: bool = True

    def value(self):
        return statistics.median(self.ours)

    def ratio(self):
        # Round by round: what disturbs the machine disturbs both.
        return statistics.median(a / b for a, b in zip(self.ours, self.other) if b) if self.other else None

    def met(self):
        if self.bar is None:
            return None
        found = self.ratio() if self.other and self.bar_is_ratio else self.value()
        return found <= self.bar

    def cells(self):
        ratio, met = self.ratio(), self.met()
        bar = "" if self.bar is None else f"<= {self.bar:g}" + ("x" if self.other and self.bar_is_ratio else "")
        return [
            self.what, self.unit, number(self.value()), self.against,
            number(statistics.median(self.other)) if self.other else "", f"{ratio:.2f}x" if ratio else "", bar,
            "" if met is None else "met" if met else "MISSED",
        ]


HEAD = ["what", "unit", "Weir", "against", "", "ratio", "bar", ""]


def number(v):
    if not math.isfinite(v):
        return "-"
    return f"{v:.0f}" if v >= 1000 else f"{v:.3g}"


def show(rows):
    lines = [HEAD] + [r.cells() for r in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    left = {0, 1, 3, 7}
    for line in lines:
        print("  ".join(c.ljust(w) if i in left else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths))).rstrip())
    judged = [r.met() for r in rows if r.met() is not None]
    print(f"\n{sum(judged)} of {len(judged)} bars met")


def markdown(rows, about, rounds):
    lines = [f"Measured {about['date']} on {about['cpu']}, Linux {about['kernel']}, nginx {about['nginx']} "
             f"with libnginx-mod-rtmp, congestion control {about['congestion']}; medians of {rounds}.", "",
             "| " + " | ".join(HEAD) + " |", "|" + " --- |" * 2 + " ---: | --- |" + " ---: |" * 3 + " --- |"]
    lines += ["| " + " | ".join(r.cells()) + " |" for r in rows]
    return "\n".join(lines)


def write(path, text):
    path = pathlib.Path(path)
    page = path.read_text()
    done, count = re.subn(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: f"{BEGIN}\n\n{text}\n\n{END}", page,
                          flags=re.DOTALL)
    if count != 1:
        raise SystemExit(f"{path} has no place for the table")
    path.write_text(done)
