"""Draw the record's pictures from its data into docs/pictures/ as SVG, with text alternatives: part of `make docs`.

Legible in black and white: shape, hatching and line style carry what colour would.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
import pandas as pd

import imprint

HERE = Path(__file__).parent
STYLE = {"svg.fonttype": "none", "svg.hashsalt": "imprint", "font.family": "sans-serif", "font.size": 9,
         "axes.spines.top": False,
         "axes.spines.right": False}  # fmt: skip
MARKS = {"bricscg-purge": ("o", "white"), "omsac-descent": ("s", "black")}


def _save(figure: Any, name: str, title: str, description: str) -> None:
    """An SVG with a title and a description for those who can't see it, the same bytes for the same data."""
    path = HERE / "pictures" / f"{name}.svg"
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None}, bbox_inches="tight")
    plt.close(figure)
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"<svg ", '<svg role="img" aria-labelledby="title desc" ', text, count=1)
    head = f'<title id="title">{escape(title)}</title>\n <desc id="desc">{escape(description)}</desc>\n <metadata>'
    text = text.replace("<metadata>", head, 1)
    path.write_text("\n".join(line.rstrip() for line in text.splitlines()) + "\n", encoding="utf-8", newline="\n")


def timeline(tables: dict[str, Any]) -> str:
    """Dated events as spans from the first to the last possible day; open ends as arrows."""
    events, claims, sections = tables["events"], tables["claims"], tables["sections"]
    spoken = claims.merge(sections, left_on="section_id", right_on="id", suffixes=("", "_s"))[["event_id", "source_id"]]
    dated = events[events["date_min"].notna()].merge(spoken.drop_duplicates(), left_on="id", right_on="event_id")
    dated = dated.sort_values(["date_min", "id"], ascending=False).reset_index(drop=True)
    last = dated["date_max"].max() + pd.Timedelta(days=120)
    figure, axes = plt.subplots(figsize=(8, 0.45 * len(dated) + 1))
    lines = []
    for at, row in dated.iterrows():
        marker, fill = MARKS.get(row["source_id"], ("D", "grey"))
        end = last if pd.isna(row["date_max"]) else row["date_max"]
        axes.plot(
            [row["date_min"], end], [at, at], color="black", linewidth=2, linestyle="--" if pd.isna(row["date_max"]) else "-"
        )
        axes.plot(row["date_min"], at, marker=marker, color="black", markerfacecolor=fill, linestyle="")
        ends = ">" if pd.isna(row["date_max"]) else marker
        axes.plot(end, at, marker=ends, color="black", markerfacecolor=fill, linestyle="")
        until = "open" if pd.isna(row["date_max"]) else f"{row['date_max']:%Y-%m-%d}"
        lines.append(f"{row['label']} ({row['source_id']}): {row['date_min']:%Y-%m-%d} to {until}")
    axes.set_yticks(range(len(dated)), [textwrap.shorten(label, 48, placeholder="…") for label in dated["label"]])
    handles = [
        axes.plot([], [], marker=m, color="black", markerfacecolor=f, linestyle="", label=s)[0] for s, (m, f) in MARKS.items()
    ]
    axes.legend(handles=handles, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False)
    axes.set_xlabel("first to last possible day; a dashed line has no stated end")
    description = (
        "Dated events, from the first to the last day that the stated date allows. " + "; ".join(reversed(lines)) + "."
    )
    _save(figure, "timeline", "Events that the documents date", description)
    return description


def recommendations(tables: dict[str, Any]) -> str:
    """Which recommendation is addressed to whom, as a grid."""
    asks = tables["recommendations"].sort_values("ordinal")
    addressed = tables["recommendation_addressees"].merge(tables["actors"], left_on="actor_id", right_on="id")
    names = sorted(addressed["name"].unique())
    figure, axes = plt.subplots(figsize=(8, 0.6 * len(asks) + 1))
    for at, ask in enumerate(reversed(asks["id"].tolist())):
        for name in addressed[addressed["recommendation_id"] == ask]["name"]:
            axes.plot(
                names.index(name), at, marker="s", markersize=11, color="black", markerfacecolor="lightgrey", linestyle=""
            )
    labels = [textwrap.fill(gist, 60) for gist in reversed(asks["gist"].tolist())]
    axes.set_yticks(range(len(asks)), labels)
    axes.set_xticks(range(len(names)), [textwrap.fill(name, 12) for name in names])
    axes.xaxis.tick_top()
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylim(-0.6, len(asks) - 0.4)
    counts = "; ".join(
        f"{ask.gist.rstrip('.')}: {', '.join(sorted(addressed[addressed['recommendation_id'] == ask.id]['name']))}"
        for ask in asks.itertuples()
    )
    description = f"Each recommendation and its addressees. {counts}."
    _save(figure, "recommendations", "Recommendations by addressee", description)
    return description


def network(tables: dict[str, Any]) -> str:
    """Ties that the documents state between actors, from left to right; nothing that is charged to anyone."""
    names = tables["actors"].set_index("id")["name"]
    ties = tables["actor_relations"][["from_actor_id", "relation", "to_actor_id"]].drop_duplicates()
    ties = ties.sort_values(["to_actor_id", "from_actor_id", "relation"], ascending=False).reset_index(drop=True)
    left = {actor: rows.index.to_series().mean() for actor, rows in ties.groupby("from_actor_id")}
    right = {actor: rows.index.to_series().mean() for actor, rows in ties.groupby("to_actor_id")}
    left, right = (
        {actor: at for at, actor in enumerate(sorted(side, key=lambda one: (side[one], one)))} for side in (left, right)
    )
    height = max(len(left), len(right)) - 1
    places = [{actor: at * height / max(len(side) - 1, 1) for actor, at in side.items()} for side in (left, right)]
    figure, axes = plt.subplots(figsize=(9, 0.5 * height + 1))
    for tie in ties.itertuples():
        start, end = (0.0, places[0][tie.from_actor_id]), (1.0, places[1][tie.to_actor_id])
        axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": "black", "linewidth": 0.8})
        x, y = 0.45, start[1] + 0.45 * (end[1] - start[1])
        axes.text(x, y, tie.relation.replace("_", " "), fontsize=7, style="italic", ha="center", va="center",
                  bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none"})  # fmt: skip
    for side, x, align in ((places[0], -0.01, "right"), (places[1], 1.01, "left")):
        for actor, y in side.items():
            axes.text(x, y, textwrap.fill(names[actor], 34), ha=align, va="center")
    axes.set_xlim(-0.6, 1.6)
    axes.set_ylim(-0.6, height + 0.6)
    axes.axis("off")
    listed = [f"{names[t.from_actor_id]} {t.relation.replace('_', ' ')} {names[t.to_actor_id]}" for t in ties.itertuples()]
    description = "Ties that the documents state between actors. " + "; ".join(sorted(listed)) + "."
    _save(figure, "actors", "Ties between actors", description)
    return description


def draw() -> str:
    """Draw everything; the page that shows the pictures with their text alternatives."""
    tables = imprint.load(HERE.parent)
    with plt.rc_context(STYLE):
        shown = [
            ("Events that the documents date", "timeline", timeline(tables)),
            ("Recommendations by addressee", "recommendations", recommendations(tables)),
            ("Ties between actors", "actors", network(tables)),
        ]
    lines = ["# Pictures of the record", "", "Made from the data. They show what two documents claim, never what is true.", ""]
    for title, name, description in shown:
        first, _, rest = description.partition(". ")
        items = [f"- {item.strip().rstrip('.')}" for item in rest.split("; ")]
        lines += [f"## {title}", "", f"![{first}.](pictures/{name}.svg)", "", "In words:", "", *items, ""]
    return "\n".join(lines)


if __name__ == "__main__":
    draw()
