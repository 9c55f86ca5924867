#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: report.py json NAME=VALUE... SAMPLES...	raw samples as JSON, to stdout
#        report.py page DIRECTORY	RESULTS.md and plots, from all its *.json
#        report.py table JSON FILE	the summary, between two marks of FILE
#
# Must never show a number that is in no JSON file, nor leave out a row that fell
# short: what was not measured is said.
"""Turns samples of the benchmarks into JSON, a page and plots."""
import json
import pathlib
import statistics
import subprocess
import sys

from rows import FINDINGS, NOT_MEASURED, PLOTS, ROWS, SUMMARY

LICENCE = "GPL-2.0-only"
BEGIN, END = "<!-- from tests/bench: make bench -->", "<!-- end -->"


def parse(path):
    """One boot: what guest.sh has left in a directory."""
    path = pathlib.Path(path)
    series = []
    for line in (path / "samples").read_text().splitlines():
        row, name, x, mean, values = line.split("\t")
        series.append({
            "row": row, "series": name, "x": int(x),
            "mean": None if mean == "-" else float(mean),
            "samples": [float(v) if "." in v else int(v) for v in values.split()],
        })
    boot = {"series": series}
    for name in "refused", "noticed":
        file = path / name
        boot[name] = [line.split("\t") for line in
                      (file.read_text().splitlines() if file.exists() else [])]
    return boot


def write_json(args):
    """All boots of one run, with what they ran on."""
    run = {"SPDX-License-Identifier": LICENCE}
    run.update(arg.split("=", 1) for arg in args if "=" in arg)
    run["boots"] = [parse(arg) for arg in args if "=" not in arg]
    # A line for each series: to be read, and compared, by people too.
    text = json.dumps(run, indent=1)
    for boot in run["boots"]:
        for series in boot["series"]:
            long = json.dumps(series["samples"], indent=1).replace("\n", "\n     ")
            text = text.replace(long, json.dumps(series["samples"]), 1)
        for cells in boot["noticed"]:
            long = json.dumps(cells, indent=1).replace("\n", "\n    ")
            text = text.replace(long, json.dumps(cells), 1)
    print(text)


class Run:
    """What was measured on one kernel, over all boots."""

    def __init__(self, path):
        self.name = path.stem
        self.info = json.loads(path.read_text())
        self.points = {}
        self.samples = {}
        self.noticed = {}
        for boot in self.info["boots"]:
            for s in boot["series"]:
                point = self.points.setdefault((s["row"], s["series"]), {})
                boots = point.setdefault(s["x"], [])
                median = statistics.median(s["samples"])
                mean = s["mean"] if s["mean"] is not None else median
                boots.append((median, mean))
                self.samples.setdefault((s["row"], s["series"], s["x"]), []).extend(s["samples"])
            for way, fs, what, outcome in boot.get("noticed", []):
                self.noticed.setdefault((way, fs), {}).setdefault(what, set()).add(outcome)
        self.refused = sorted({tuple(r) for boot in self.info["boots"]
                               for r in boot["refused"]})

    def series(self, row):
        """Names, in the order they were measured."""
        return [name for r, name in self.points if r == row]

    def value(self, row, series, x, which=0):
        """Median over the boots of the median (0), or of the mean (1)."""
        boots = self.points.get((row, series), {}).get(x)
        return statistics.median(b[which] for b in boots) if boots else None

    def percentile(self, row, series, x, percent):
        """Of all samples of all boots."""
        samples = sorted(self.samples[row, series, x])
        return samples[min(len(samples) - 1, len(samples) * percent // 100)]

    def slope(self, row, series):
        """What each more costs, between the two largest numbers."""
        xs = sorted(self.points[row, series])[-2:]
        if len(xs) < 2:
            return None
        low, high = (self.value(row, series, x) for x in xs)
        return (high - low) / (xs[1] - xs[0])

    def spread(self, row):
        """How far the medians of two boots are apart at most, in percent."""
        worst = 0.0
        for (r, _), point in self.points.items():
            if r == row:
                for boots in point.values():
                    medians = [b[0] for b in boots]
                    if min(medians):
                        worst = max(worst, max(medians) / min(medians) - 1)
        return 100 * worst


def size(x):
    """A number of bytes, for people."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if x < 1024 or unit == "GiB":
            return f"{x} {unit}"
        x //= 1024


def number(value):
    """Two digits behind the point where there are few before it."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def cell(run, row, series, x):
    """The median, its ratio to the reference, and that of the means."""
    value = run.value(row.id, series, x)
    if value is None:
        return ""
    text = number(value)
    ref = row.reference(series)
    base = run.value(row.id, ref, x if run.value(row.id, ref, x) else row.fallback_x)
    if base and ref != series:
        means = run.value(row.id, series, x, 1) / run.value(
            row.id, ref, x if run.value(row.id, ref, x) else row.fallback_x, 1)
        ratio = value / base
        text += f" **{ratio:.{row.digits}f}x**"
        if abs(means - ratio) >= 0.02:
            text += f" ({means:.{row.digits}f}x)"
    return text


def table(run, row):
    """One row of the issue, as a table of series by size."""
    names = run.series(row.id)
    xs = sorted({x for n in names for x in run.points[row.id, n]})
    label = size if row.bytes else lambda x: f"{x:,}"
    head = [label(x) if xs != [0] else row.unit for x in xs]
    head += ["each more"] * row.slope + ["99 % are below"] * row.tail
    lines = ["| " + " | ".join(["what"] + head) + " |", "|---" * (len(head) + 1) + "|"]
    for name in names:
        cells = [name] + [cell(run, row, name, x) for x in xs]
        if row.slope:
            slope = run.slope(row.id, name)
            cells.append("" if slope is None else number(slope))
        if row.tail:
            tail = run.percentile(row.id, name, xs[0], 99)
            median = run.value(row.id, name, xs[0])
            cells.append(number(tail) + (f" ({tail / median:.2f} medians)" if median else ""))
        lines.append("| " + " | ".join(cells) + " |")
    for r, name in run.refused:
        if r == row.id:
            lines.append(f"| {name} |" + " the kernel refuses it |" * len(xs))
    return lines


def noticed_table(run):
    """Who notices what; every outcome, if boots differ."""
    whats = list(dict.fromkeys(what for cells in run.noticed.values() for what in cells))
    lines = ["| who, on what | " + " | ".join(whats) + " |", "|---" * (len(whats) + 1) + "|"]
    for (way, fs), cells in run.noticed.items():
        if all(outcomes == {"refused"} for outcomes in cells.values()):
            lines.append(f"| {way}, {fs} | refused " + "| " * len(whats) + "|")
            continue
        row = []
        for what in whats:
            outcomes = cells.get(what, {"not measured"})
            # It is not what we thought that counts, but what happens there.
            if run.noticed.get(("nobody", fs), {}).get(what) == {"taken"}:
                outcomes = {"told" if o == "false" else o for o in outcomes}
            row.append(" or ".join(sorted(outcomes)))
        lines.append(f"| {way}, {fs} | " + " | ".join(
            f"**{c}**" if "missed" in c or "false" in c else c for c in row) + " |")
    return lines


def plot(run, spec, directory):
    """One SVG, drawn by gnuplot: one line for each series."""
    names = [n for n in spec["series"] if (spec["row"], n) in run.points]
    if not names:
        return None
    svg = f"{run.name}-{spec['name']}.svg"
    commands = [
        "set terminal svg noenhanced size 760,520 dynamic font 'sans,13' background '#ffffff'",
        f"set output '{directory / svg}'",
        "set datafile separator tab",
        f"set title \"{spec['title']} ({run.info['release']})\"",
        f"set xlabel \"{spec['xlabel']}\"",
        f"set ylabel \"{spec['ylabel']}\"",
        "set grid lc rgb '#dddddd'",
        "set key below left maxcols 2 samplen 2",
        *spec["settings"],
        "plot " + ", ".join(
            f"'-' using 1:2 with linespoints lw 2 pt 7 ps 0.6 title \"{n}\""
            for n in names),
    ]
    for name in names:
        for x in sorted(run.points[spec["row"], name]):
            value = run.value(spec["row"], name, x)
            ref = spec.get("reference")
            if ref:
                value /= run.value(spec["row"], ref, x)
            commands.append(f"{x}\t{value}")
        commands.append("e")
    subprocess.run(["gnuplot"], input="\n".join(commands), text=True, check=True)
    head, rest = (directory / svg).read_text().split("\n", 1)
    (directory / svg).write_text(f"{head}\n<!-- SPDX-License-Identifier: {LICENCE} -->\n{rest}")
    return svg


def page(directory):
    """RESULTS.md, and the plots beside it."""
    directory = pathlib.Path(directory)
    runs = [Run(path) for path in sorted(directory.glob("*.json"), reverse=True)]
    out = [
        f"<!-- SPDX-License-Identifier: {LICENCE} -->",
        "<!-- Made by `make bench` from the JSON files here; do not edit. -->",
        "# Results of the benchmarks", "",
        "How this was measured, and how to read it: [README.md](../README.md). Unless",
        "said otherwise a number is instructions, the median of all samples of a boot,",
        "then of all boots; bold is the ratio to the line that the table says, in",
        "brackets that of the means where it is another: these have in them what works",
        "in the background.", "",
    ]
    for run in runs:
        info = run.info
        out += [f"## Linux {info['release']}: {run.name}", "",
                f"{info['mode']}, {len(info['boots'])} boot(s), {info['qemu']}, "
                f"commit {info['commit']}. Raw samples: [{run.name}.json]({run.name}.json)",
                ""]
        for row in ROWS:
            noticed = row.id == "B12" and run.noticed
            if not run.series(row.id) and not noticed:
                continue
            out += [f"### {row.id}: {row.title}", "", f"Reach: {row.goal}. {row.note}", ""]
            out += (noticed_table(run) if noticed else table(run, row)) + [""]
            if len(info["boots"]) > 1 and not noticed:
                out += [f"The medians of two boots are at most {run.spread(row.id):.1f} % apart.", ""]
            for spec in PLOTS:
                if spec["row"] == row.id:
                    svg = plot(run, spec, directory)
                    if svg:
                        out += [f"![{spec['title']}]({svg})", ""]
    out += ["## What was found", ""]
    out += [f"- {text}" for text in FINDINGS]
    out += ["", "## Not measured", ""]
    measured = {row for run in runs for row, _ in run.points}
    measured |= {"B12" for run in runs if run.noticed}
    out += [f"- {row.id}, {row.title}" for row in ROWS if row.id not in measured]
    out += [f"- {text}" for text in NOT_MEASURED]
    (directory / "RESULTS.md").write_text("\n".join(out) + "\n")


def write_table(source, target):
    """What README.md shows, from one JSON file."""
    run = Run(pathlib.Path(source))
    rows = {row.id: row for row in ROWS}
    lines = [f"Linux {run.info['release']}, instructions, {len(run.info['boots'])} boot(s):", "",
             "| what | instructions | ratio | to | reach |", "|---|---|---|---|---|"]
    for row, series, x, what, to, reach in SUMMARY:
        value = run.value(row, series, x)
        if value is None:
            raise SystemExit(f"{source} has no {row}, {series}, {x}")
        base = run.value(row, rows[row].reference(series), x)
        lines.append(f"| {what} | {number(value)} | {value / base:.{rows[row].digits}f} "
                     f"| {to} | {reach} |")
    target = pathlib.Path(target)
    text = target.read_text()
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    target.write_text(before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + after)


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[1] == "json":
        write_json(sys.argv[2:])
    elif len(sys.argv) == 3 and sys.argv[1] == "page":
        page(sys.argv[2])
    elif len(sys.argv) == 4 and sys.argv[1] == "table":
        write_table(*sys.argv[2:])
    else:
        sys.exit("usage: report.py json NAME=VALUE... SAMPLES... | page DIRECTORY | table JSON FILE")
