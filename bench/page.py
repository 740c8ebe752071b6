"""One self-contained HTML page of what scripts/bench measured: a bar a server and workload, light and dark, no script."""

import html
import pathlib

STYLE = (pathlib.Path(__file__).resolve().parent.parent / "docs/site/report.css").read_text(encoding="utf-8")


def row_of(row, longest, baseline, subject):
    ratio = row["ratios"].get(baseline)
    share = 100 * row["median_us"] / longest
    own = ' class="own"' if row["server"] == subject else ""
    return (f'<tr{own}><th scope="row">{html.escape(row["server"])}</th>'
            f'<td>{ratio["median"]:.2f}</td><td>{row["median_us"]:.3f}</td><td>{row["best_us"]:.3f}–{row["worst_us"]:.3f}</td>'
            f'<td class="bar" aria-hidden="true"><span style="width:{share:.1f}%"></span></td></tr>' if ratio else "")


def table(workload, rows, baseline, subject):
    longest = max(row["median_us"] for row in rows)
    body = "\n".join(row_of(row, longest, baseline, subject) for row in sorted(rows, key=lambda row: row["median_us"]))
    name, text, unit = (html.escape(words) for words in (workload.name, workload.text, workload.unit))
    # Above what scrolls, since a narrow window would cut it off.
    return (f'<h2 id="{name}">{name}</h2>\n<p class="none">{text}. Server CPU a {unit}, less is better.</p>\n'
            f'<div class="scroll" role="region" tabindex="0" aria-label="{name}">\n<table>\n'
            f'<thead><tr><th scope="col">server</th><th scope="col">x {html.escape(baseline)}</th><th scope="col">µs, median</th>'
            f'<th scope="col">best–worst</th><th aria-hidden="true"></th></tr></thead>\n'
            f"<tbody>\n{body}\n</tbody>\n</table>\n</div>")


def page(about, workloads, rows, baseline, subject, failures):
    facts = "\n".join(f"<dt>{html.escape(key)}</dt>" + "".join(
        f"<dd>{html.escape(line)}</dd>" for line in ([value] if isinstance(value, str) else value.values()))
        for key, value in about.items())
    measured = [workload for workload in workloads if any(row["workload"] == workload.name for row in rows)]
    tables = "\n".join(table(workload, [row for row in rows if row["workload"] == workload.name], baseline, subject)
                       for workload in measured)
    links = "\n".join(f'<li><a href="#{html.escape(name)}">{html.escape(name)}</a></li>'
                      for name in [workload.name for workload in measured] + ["measured"])
    failed = "".join(f'<p class="verdict bad">FAILED {html.escape(failure)}</p>' for failure in failures)
    return (f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
            f"<title>iocpp beside others</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
            f'<h1>iocpp beside others</h1>\n{failed}<nav aria-label="On this page"><ul>\n{links}\n</ul></nav>\n'
            f'{tables}\n<h2 id="measured">How it was measured</h2>\n<dl>{facts}</dl>\n</main>\n</body>\n</html>\n')
