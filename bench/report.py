"""What scripts/bench makes of its measurements: one row a workload and server, tables, and who loses."""

import statistics


def summarize(workloads, servers, cells):
    """One row a workload and server: the median of its rounds, and of its ratios to the baseline within a round."""
    rows = []
    rounds = {cell["round"] for cell in cells}
    figures = {(cell["workload"], cell["server"], cell["round"]): cell["us_per_operation"] for cell in cells}

    def ratios(workload, name, other):
        keys = [(figures.get((workload, name, number)), figures.get((workload, other, number)))
                for number in rounds]
        return sorted(mine / theirs for mine, theirs in keys if mine and theirs)

    for workload in workloads:
        for name in servers:
            mine = [cell for cell in cells if (cell["workload"], cell["server"]) == (workload, name)]
            if not mine:
                continue
            values = sorted(cell["us_per_operation"] for cell in mine)
            to_all = {other: ratios(workload, name, other) for other in servers}
            rows.append({"workload": workload, "server": name, "rounds": len(values),
                         "median_us": statistics.median(values), "best_us": values[0], "worst_us": values[-1],
                         "other_load_share": statistics.median(cell["other_load_share"] for cell in mine),
                         "ratios": {other: {"median": statistics.median(found), "least": found[0], "most": found[-1]}
                                    for other, found in to_all.items() if found}})
    return rows


def print_tables(workloads, baseline, rows):
    for workload in workloads:
        print(f"\n{workload.name}: {workload.text}\n  server            µs of CPU a {workload.unit:<12}"
              f"best..worst    x {baseline}  other load")
        for row in (row for row in rows if row["workload"] == workload.name):
            ratio = row["ratios"].get(baseline)
            print(f"  {row['server']:<16}{row['median_us']:>12.3f}  {row['best_us']:>18.3f}..{row['worst_us']:<10.3f}"
                  + (f"{ratio['median']:>6.2f}" if ratio else "     -") + f"{row['other_load_share']:>16.0%}")


def print_verdict(subject, rows):
    """The subject against each other server. A difference counts where every round shows it, of three at least."""
    losses, wins, unclear = [], [], []
    for row in (row for row in rows if row["server"] == subject):
        for other, ratio in row["ratios"].items():
            if other == subject:
                continue
            always_more, always_less = ratio["least"] > 1, ratio["most"] < 1
            clear = row["rounds"] >= 3 and (always_more or always_less)
            group = unclear if not clear else losses if always_more else wins
            group.append(f"  {row['workload']:<14}{ratio['median']:.2f} x {other} "
                         f"({ratio['least']:.2f}..{ratio['most']:.2f})")
    for title, group in (("loses", losses), ("wins", wins), ("no clear difference", unclear)):
        print(f"\n{subject}: {title} ({len(group)})")
        print("\n".join(group) or "  none")
