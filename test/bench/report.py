# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#
"""Tables in Markdown and a plot in SVG of what was measured."""

import html, os, platform, re, subprocess


def machine():
    """Sentences about this machine."""
    def first(path, pattern):
        with open(path) as f:
            found = re.search(pattern, f.read())
        return found.group(1).strip() if found else "unknown"

    memory = int(first("/proc/meminfo", r"MemTotal:\s+(\d+)")) / (1 << 20)
    return "%d cores of %s, %.0f GiB of memory, Linux %s" % (
        os.cpu_count(), first("/proc/cpuinfo", r"model name\s*:(.*)"), memory, platform.release().split("-")[0])


def versions(context):
    """{program: its version}, of those that are there."""
    found = {}
    here = {"tarexport": [context.tool, "--version"], "openssl": ["openssl", "version"],
            "tar": ["tar", "--version"], "cat, cp": ["cat", "--version"]}
    peers = {n: [context.peers, "sh", n, "--version"] for n in ("docker", "podman", "skopeo")} if context.has_peers() else {}
    for name, command in {**here, **peers}.items():
        try:
            said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        except OSError:
            continue
        number = re.search(r"\d+(\.\d+)+", said.stdout)
        if said.returncode == 0 and number:
            found[name] = number.group(0)
    return found


def verdicts(scenario, results):
    ours = results[next(iter(scenario.contenders))].median
    for name, bound, ratio in scenario.aims:
        found = results[name].median / ours
        met = found >= ratio if bound == "at least" else found <= ratio
        yield "%s takes %.2f times as long as tarexport; the aim is %s %g: %s." % (
            name, found, bound, ratio, "met" if met else "**missed**")


def table(scenario, results, first_bytes, megabytes, runs):
    lines = ["## " + scenario.title, "", "%.0f MB are written; %d runs each, interleaved." % (megabytes, runs), "",
             "| | median s | min s | max s | of tarexport's | GB/s | first byte s | anonymous MiB | temporary MB |",
             "|---|--:|--:|--:|--:|--:|--:|--:|--:|"]
    ours = results[next(iter(scenario.contenders))].median
    for name, seen in results.items():
        # Of others, what is watched is a shell or a client.
        memory = "%.1f" % (seen.memory / 2**20) if name.startswith("tarexport") else ""
        first = "%.3f" % first_bytes[name] if name in first_bytes else ""
        lines.append("| %s | %.3f | %.3f | %.3f | %.2f | %.2f | %s | %s | %.1f |" % (
            name, seen.median, min(seen.seconds), max(seen.seconds), seen.median / ours, megabytes / 1000 / seen.median, first,
            memory, seen.temporary / 1e6))
    return "\n".join([*lines, "", *verdicts(scenario, results), ""])


def plot(measured):
    """An SVG of bars: the medians of each scenario, with the least and the most of all runs as lines."""
    height, left, width, row = 0, 300, 420, 20
    parts = []
    for scenario, results in measured:
        longest = max(t for seen in results.values() for t in seen.seconds)
        height += 30
        parts.append('<text x="8" y="%d" font-weight="bold">%s</text>' % (height - 6, html.escape(scenario.title)))
        for name, seen in results.items():
            middle, seconds = seen.median, seen.seconds
            at = lambda s: left + width * s / longest
            color = "#2a6fb0" if name.startswith("tarexport") else "#b0b0b0"
            parts.append('<text x="%d" y="%d" text-anchor="end">%s</text>' % (left - 8, height + 14, html.escape(name)))
            parts.append('<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>' % (left, height + 3, at(middle) - left, row - 6, color))
            parts.append('<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="black"/>' % (
                at(min(seconds)), at(max(seconds)), height + row / 2, height + row / 2))
            parts.append('<text x="%.1f" y="%d">%.2f s</text>' % (at(max(seconds)) + 6, height + 14, middle))
            height += row
    head = '<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">' % (
        left + width + 80, height + 12)
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *parts, "</svg>", ""])
