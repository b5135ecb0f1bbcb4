"""The figures as people read them."""

import statistics


class Cell:
    """All rounds of one workload under one tool, next to the bare runs of the same rounds."""

    def __init__(self):
        self.rounds = []
        self.missing = None

    def add(self, bare, measured):
        self.rounds.append((bare, measured))

    def failure(self):
        """Why there is no figure; None if there is one."""
        return self.missing or next((one.failure for _, one in self.rounds if one.failure), None)

    def summary(self):
        """Medians for JSON and for the table."""
        failure = self.failure()
        if failure or not self.rounds:
            return {"failure": failure or "not run"}
        cpu = [one.cpu_seconds / bare.cpu_seconds for bare, one in self.rounds]
        wall = [one.wall_seconds / bare.wall_seconds for bare, one in self.rounds]
        return {
            "cpu_ratio": statistics.median(cpu),
            "cpu_ratio_min": min(cpu),
            "cpu_ratio_max": max(cpu),
            "wall_ratio": statistics.median(wall),
            "added_peak_bytes": statistics.median(one.peak_bytes - bare.peak_bytes for bare, one in self.rounds),
            "output_bytes": statistics.median(one.output_bytes for _, one in self.rounds),
            "rounds": len(self.rounds),
        }


def render(results, tools, bare):
    """`results[workload][tool]` is a summary; `bare[workload]` are medians of the bare runs."""
    rows = [["CPU ratio (wall)", "bare s", *tools]]
    memory = [["memory on top; output", "bare MiB", *tools]]
    for workload, summaries in results.items():
        seconds, peak_bytes = bare[workload]
        rows.append([workload, f"{seconds:.2f}", *[_ratios(summaries[tool]) for tool in tools]])
        memory.append([workload, f"{peak_bytes / 2**20:.0f}", *[_memory(summaries[tool]) for tool in tools]])
    return align(rows) + "\n\n" + align(memory)


def _ratios(summary):
    if "failure" in summary:
        return summary["failure"]
    spread = max(summary["cpu_ratio_max"] - summary["cpu_ratio"], summary["cpu_ratio"] - summary["cpu_ratio_min"])
    return f"{_digits(summary['cpu_ratio'])}× ±{_digits(spread)} ({_digits(summary['wall_ratio'])})"


def _memory(summary):
    if "failure" in summary:
        return "–"
    output = summary["output_bytes"]
    wrote = f"; {output / 1e6:.1f} MB" if output >= 50000 else f"; {output / 1e3:.0f} kB" if output else ""
    return f"{summary['added_peak_bytes'] / 2**20:+.0f} MiB{wrote}"


def _digits(value):
    return f"{value:.0f}" if value >= 20 else f"{value:.1f}" if value >= 3 else f"{value:.2f}"


def align(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
