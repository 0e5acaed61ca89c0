"""Three questions to the record, in pandas: `python questions.py dist/1.0.0` prints the answers as tab-separated text."""

import sys

import pandas as pd

folder = sys.argv[1] if len(sys.argv) > 1 else "dist/1.0.0"
claims, events, sections, actors, asks, addressees = (
    pd.read_csv(f"{folder}/data/{name}.csv", dtype_backend="numpy_nullable").drop(columns="notes")
    for name in ("claims", "events", "sections", "actors", "recommendations", "recommendation_addressees")
)
names = actors.set_index("id")["name"]

# 1. Which dated events does each source speak of?
dated = events[events["date_text"].notna()]
spoken = claims.merge(sections, left_on="section_id", right_on="id", suffixes=("", "_section"))[["event_id", "source_id"]]
timeline = dated.merge(spoken.drop_duplicates(), left_on="id", right_on="event_id")
timeline = timeline[["source_id", "date_text", "date_min", "date_max", "event_id"]].sort_values(["date_min", "event_id"])

# 2. Who is addressed by which recommendation?
asked = addressees.merge(asks, left_on="recommendation_id", right_on="id")
asked = asked.assign(addressee=asked["actor_id"].map(names))[["addressee", "recommendation_id", "gist"]]
asked = asked.sort_values(["addressee", "recommendation_id"])

# 3. What is asserted about the arrest wave, by whom, with which figures?
wave = claims[claims["event_id"] == "arrests-of-soldiers-alleged-plot"]
wave = wave.assign(asserted_by=wave["asserted_by"].map(names)).sort_values("id")
wave = wave[["id", "asserted_by", "speech_act", "gist", "qty_low", "qty_best", "qty_high", "qty_text"]]

for answer in (timeline, asked, wave):
    print(answer.to_csv(sep="\t", index=False))
