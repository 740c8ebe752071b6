"""One self-contained HTML page of what scripts/bench measured: a bar a server and workload, light and dark, no script."""

import html

STYLE = """
:root { color-scheme: light dark; --text: #1b1f24; --back: #fff; --soft: #eef1f4; --bar: #8a97a6; --own: #1f6feb; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e9ed; --back: #14171b; --soft: #22272e; --bar: #6b7785; --own: #58a6ff; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; } td, th { padding: .2rem .6rem; text-align: right; white-space: nowrap; }
td:first-child, th:first-child { text-align: left; } td.bar { width: 100%; text-align: left; }
td.bar span { display: block; height: .9rem; background: var(--bar); border-radius: 2px; }
tr.own td.bar span { background: var(--own); } tr.own { font-weight: 600; }
dl { background: var(--soft); padding: 1rem; } dt { font-weight: 600; } dd { margin: 0 0 .4rem 1rem; overflow-wrap: anywhere; }
"""


def row_of(row, longest, baseline, subject):
    ratio = row["ratios"].get(baseline)
    share = 100 * row["median_us"] / longest
    return (f'<tr{" class=own" if row["server"] == subject else ""}><td>{html.escape(row["server"])}</td>'
            f'<td class=bar><span style="width:{share:.1f}%"></span></td><td>{row["median_us"]:.3f}</td>'
            f'<td>{row["best_us"]:.3f}–{row["worst_us"]:.3f}</td><td>{ratio["median"]:.2f}</td></tr>' if ratio else "")


def table(workload, rows, baseline, subject):
    longest = max(row["median_us"] for row in rows)
    body = "\n".join(row_of(row, longest, baseline, subject) for row in sorted(rows, key=lambda row: row["median_us"]))
    return (f"<h2>{html.escape(workload.name)}</h2>\n<p>{html.escape(workload.text)}. Server CPU a "
            f"{html.escape(workload.unit)}, less is better.</p>\n<table>\n<thead><tr><th scope=col>server</th><th></th>"
            f"<th scope=col>µs, median</th><th scope=col>best–worst</th><th scope=col>x {html.escape(baseline)}</th></tr>"
            f"</thead>\n<tbody>\n{body}\n</tbody>\n</table>")


def page(about, workloads, rows, baseline, subject, failures):
    facts = "\n".join(f"<dt>{html.escape(key)}</dt>" + "".join(
        f"<dd>{html.escape(line)}</dd>" for line in ([value] if isinstance(value, str) else value.values()))
        for key, value in about.items())
    tables = "\n".join(table(workload, mine, baseline, subject) for workload in workloads
                       if (mine := [row for row in rows if row["workload"] == workload.name]))
    failed = "".join(f"<p><strong>FAILED</strong> {html.escape(failure)}</p>" for failure in failures)
    return (f'<!doctype html>\n<html lang=en>\n<head><meta charset=utf-8><meta name=viewport content="width=device-width">\n'
            f"<title>iocpp beside others</title>\n<style>{STYLE}</style></head>\n<body>\n<h1>iocpp beside others</h1>\n{failed}"
            f"{tables}\n<h2>How it was measured</h2>\n<dl>{facts}</dl>\n</body>\n</html>\n")
