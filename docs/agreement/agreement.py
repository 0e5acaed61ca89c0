"""Agreement of two readings of the same documents. Usage: python agreement.py A_DIR B_DIR [--list] > agreement.md

Standard library only, no random step, no document needed: everything is read from the CSV tables of the two
directories. Pairing is greedy (best score first, ties by position and id), so one run gives what every run gives.
With --list the rows without a counterpart and the fields that differ are printed instead of the figures."""

import csv
import re
import sys
import unicodedata
from collections import Counter
from pathlib import Path

THRESHOLD = 0.3
HEAD = """# Agreement of the two readings

A is version 0.1.0 of the record, B the second reading. Printed by `agreement.py`; the share of matched rows is matched / (matched + only in A + only in B).
Claims, recommendations, sections and mentions are paired by their character ranges (Jaccard of at least 0.3), actors and places by name, alias or shared
mentions, events by the ranges of their claims and by likeness of label, the rest through the ids so paired.
"""
LIMITS = """## Limits

The second coder read the documents, the law of the record and the schemas, but no row, script or output of the first. The schemas, however, carry examples of the
first reading's ids, and code lists drawn from these very documents; they prime segmentation and coding. The figures are therefore agreement given a shared
codebook, not agreement of two readers from scratch, and they are an upper bound for that. Both readers coded once, with no second pass, so nothing is known about
the steadiness of either. Kappa is computed on matched rows only: a row that one reader missed or cut differently lowers the table above, not the kappa.
The main difference is in cutting: A splits by object, subject and source what B keeps as one claim, so one-to-one pairing leaves many rows of A alone, while nearly
all of them overlap with some claim of B. A missing pair of actors or events takes every row that leads through it along: that, and not the choice of role, is why
few rows of event_actors match. Pairing is mechanical: some pairs are neighbours by sense, and some rows without a counterpart have one to a human reader.
With few rows, or with one code that dominates, kappa says little. The final record was settled from both readings, so it can't be scored against either.
"""
TABLES = (
    "sections actors actor_relations places events event_actors claims recommendations recommendation_addressees mentions"
).split()
FIELDS = {
    "sections": ["kind"],
    "actors": ["kind", "naming"],
    "places": ["kind"],
    "claims": ["speech_act", "hedge"],
    "events": ["nature", "type", "modality", "date_precision"],
    "recommendations": ["instrument"],
    "event_actors": ["role"],
}


def load(folder):
    tables = {}
    for name in TABLES:
        with (Path(folder) / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
            tables[name] = list(csv.DictReader(handle))
    lengths = Counter()
    for row in tables["sections"]:
        lengths[row["source_id"]] = max(lengths[row["source_id"]], int(row["end"]))
    tables["_source"] = {row["id"]: row["source_id"] for row in tables["sections"]}
    tables["_length"] = lengths
    return tables


def same_source(a, b):
    """Pairs the documents of the two readings: by id, else by the digest of their sections."""
    out = {}
    sha = {row["sha256"]: row["source_id"] for row in a["sections"]}
    for source in sorted(b["_length"]):
        if source in a["_length"]:
            out[source] = source
            continue
        votes = Counter(sha[r["sha256"]] for r in b["sections"] if r["source_id"] == source and r["sha256"] in sha)
        out[source] = votes.most_common(1)[0][0]
    return out


def norm(text):
    text = unicodedata.normalize("NFKD", text.replace("’", "'")).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9+@_/]+", re.sub(r"'s\b", "", text))
    return " ".join(w for w in words if w not in ("the", "of", "a", "an", "in"))


def jaccard(p, q):
    common = min(p[1], q[1]) - max(p[0], q[0])
    return common / (max(p[1], q[1]) - min(p[0], q[0])) if common > 0 else 0.0


def greedy(scores):
    """scores: [(score, a, b)] with a and b as sortable keys; one-to-one, best first."""
    pairs, left, right = [], set(), set()
    for score, a, b in sorted(scores, key=lambda s: (-s[0], s[1], s[2])):
        if a not in left and b not in right:
            left.add(a)
            right.add(b)
            pairs.append((a, b))
    return sorted(pairs)


def compare(a, b):
    src = same_source(a, b)

    def spans(tables, name, mine):
        out = []
        for i, row in enumerate(tables[name]):
            s = row["source_id"] if name == "sections" else tables["_source"][row["section_id"]]
            out.append((s if mine else src[s], int(row["start"]), int(row["end"]), i))
        return out

    def by_span(name, bonus=lambda i, j: 0.0):
        scores = []
        for p in spans(a, name, True):
            for q in spans(b, name, False):
                if p[0] == q[0]:
                    j = jaccard(p[1:3], q[1:3])
                    if j >= THRESHOLD:
                        scores.append((round(j + bonus(p[3], q[3]), 9), p[3], q[3]))
        return greedy(scores), scores

    pairs = {}
    for name in ("sections", "recommendations"):
        pairs[name], _ = by_span(name)

    # the same span may carry several claims: shared words of the gist break the tie (no coded field does)
    def gist(i, j):
        p, q = set(norm(a["claims"][i]["gist"]).split()), set(norm(b["claims"][j]["gist"]).split())
        return len(p & q) / max(1, len(p | q)) * 1e-4

    pairs["claims"], claim_scores = by_span("claims", gist)

    # places and actors: name, then aliases, then shared mentions
    def forms(row):
        return [norm(row["name"])], [norm(x) for x in row.get("aliases", "").split("|") if x]

    def by_name(name):
        scores = []
        touching = Counter()
        if name == "actors":
            _, overlaps = by_span("mentions")
            for s, i, j in overlaps:
                x, y = a["mentions"][i]["actor_id"], b["mentions"][j]["actor_id"]
                if x and y:
                    touching[x, y] += s
        for i, x in enumerate(a[name]):
            for j, y in enumerate(b[name]):
                (n1, l1), (n2, l2) = forms(x), forms(y)
                w1, w2 = set(n1[0].split()), set(n2[0].split())
                like = len(w1 & w2) / len(w1 | w2)
                m = touching[x["id"], y["id"]]
                score = (
                    300
                    if n1 == n2
                    else 200
                    if set(n1 + l1) & set(n2 + l2) and set(n1 + n2) & (set(l1) | set(l2))
                    else 100
                    if set(l1) & set(l2)
                    else 50
                    if m
                    else 20
                    if like >= 0.5
                    else 0
                )
                if score:
                    scores.append((score + m + like / 10, i, j))
        return greedy(scores)

    for name in ("actors", "places"):
        pairs[name] = by_name(name)
    idmap = {
        name: {b[name][j]["id"]: a[name][i]["id"] for i, j in pairs[name]} for name in ("actors", "places", "recommendations")
    }

    # mentions: span, equal target breaks ties
    def target(i, j):
        x, y = a["mentions"][i], b["mentions"][j]
        same = (x["actor_id"] and x["actor_id"] == idmap["actors"].get(y["actor_id"])) or (
            x["place_id"] and x["place_id"] == idmap["places"].get(y["place_id"])
        )
        return 1e-3 if same else 0.0

    pairs["mentions"], _ = by_span("mentions", target)
    # events: overlap of their claims (any, not only that of paired claims) and likeness of label
    number = [{row["id"]: i for i, row in enumerate(t["events"])} for t in (a, b)]
    weight = Counter()
    for p in spans(a, "claims", True):
        for q in spans(b, "claims", False):
            x, y = a["claims"][p[3]]["event_id"], b["claims"][q[3]]["event_id"]
            if x and y and p[0] == q[0]:
                weight[number[0][x], number[1][y]] += jaccard(p[1:3], q[1:3])
    scores = []
    for (i, j), w in weight.items():
        p, q = (set(norm(t["events"][k]["label"]).split()) for t, k in ((a, i), (b, j)))
        like = len(p & q) / max(1, len(p | q))
        if w >= THRESHOLD or (w and like >= 0.5):
            scores.append((round(min(w, 3) / 3 + like, 9), i, j))
    pairs["events"] = greedy(scores)
    emap = idmap["events"] = {b["events"][j]["id"]: a["events"][i]["id"] for i, j in pairs["events"]}

    def by_key(name, key_a, key_b, prefer):
        scores = [
            (1 + prefer(x, y), i, j) for i, x in enumerate(a[name]) for j, y in enumerate(b[name]) if key_a(x) == key_b(y)
        ]
        return greedy(scores)

    act = idmap["actors"].get
    pairs["actor_relations"] = by_key(
        "actor_relations",
        lambda r: (r["from_actor_id"], r["relation"], r["to_actor_id"]),
        lambda r: (act(r["from_actor_id"]), r["relation"], act(r["to_actor_id"])),
        lambda x, y: jaccard((int(x["start"]), int(x["end"])), (int(y["start"]), int(y["end"]))),
    )
    pairs["event_actors"] = by_key(
        "event_actors",
        lambda r: (r["event_id"], r["actor_id"]),
        lambda r: (emap.get(r["event_id"]), act(r["actor_id"])),
        lambda x, y: float(x["role"] == y["role"]),
    )
    pairs["recommendation_addressees"] = by_key(
        "recommendation_addressees",
        lambda r: (r["recommendation_id"], r["actor_id"]),
        lambda r: (idmap["recommendations"].get(r["recommendation_id"]), act(r["actor_id"])),
        lambda x, y: 0.0,
    )
    # quantities: claims with words for a quantity, whose spans touch and whose words share one
    scores = []
    sa, sb = spans(a, "claims", True), spans(b, "claims", False)
    qa, qb = ([i for i, r in enumerate(t["claims"]) if r["qty_text"]] for t in (a, b))
    for i in qa:
        for j in qb:
            if (
                sa[i][0] == sb[j][0]
                and jaccard(sa[i][1:3], sb[j][1:3]) > 0
                and set(norm(a["claims"][i]["qty_text"]).split()) & set(norm(b["claims"][j]["qty_text"]).split())
            ):
                scores.append((jaccard(sa[i][1:3], sb[j][1:3]), i, j))
    quantities = greedy(scores)
    da, db = ([i for i, r in enumerate(t["events"]) if r["date_text"]] for t in (a, b))
    dates = [(i, j) for i, j in pairs["events"] if i in da and j in db]
    return dict(
        pairs=pairs, claim_scores=claim_scores, quantities=(quantities, qa, qb), dates=(dates, da, db), act=act, idmap=idmap
    )


def kappa(values):
    n = len(values)
    if not n:
        return None, None
    observed = sum(x == y for x, y in values) / n
    left, right = Counter(x for x, _ in values), Counter(y for _, y in values)
    expected = sum(left[k] * right[k] for k in left) / n**2
    return observed, (observed - expected) / (1 - expected) if expected < 1 else None


def percent(m, x, y):
    return f"{100 * m / (m + x + y):.0f} %" if m + x + y else "–"


def report(a, b, r):
    out = [
        "| table | rows in A | rows in B | matched | only in A | only in B | matched of all |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]

    def line(name, na, nb, m):
        out.append(f"| {name} | {na} | {nb} | {m} | {na - m} | {nb - m} | {percent(m, na - m, nb - m)} |")

    for name in TABLES:
        line(name, len(a[name]), len(b[name]), len(r["pairs"][name]))
    line("quantities (claims with `qty_text`)", len(r["quantities"][1]), len(r["quantities"][2]), len(r["quantities"][0]))
    line("dates (events with `date_text`)", len(r["dates"][1]), len(r["dates"][2]), len(r["dates"][0]))
    left = Counter(i for _, i, _ in r["claim_scores"])
    right = Counter(j for _, _, j in r["claim_scores"])
    out += [
        "",
        "Claims one-to-many (overlap of at least 0.3 with any claim of the other reading, several of A may share one of B): "
        f"{len(left)} of {len(a['claims'])} in A ({100 * len(left) / len(a['claims']):.0f} %), {len(right)} of {len(b['claims'])} in B "
        f"({100 * len(right) / len(b['claims']):.0f} %); {sum(v > 1 for v in right.values())} claims of B meet several of A, {sum(v > 1 for v in left.values())} of A several of B.",
        "",
    ]
    out += ["| coded field, over matched pairs | n | equal | percent | Cohen's kappa |", "|---|--:|--:|--:|--:|"]

    def field(name, values):
        o, k = kappa(values)
        same = sum(x == y for x, y in values)
        out.append(
            f"| {name} | {len(values)} | {same} | {100 * o:.0f} % | {'–' if k is None else f'{k:.2f}'} |"
            if values
            else f"| {name} | 0 | 0 | – | – |"
        )

    for name in TABLES:
        for f in FIELDS.get(name, []):
            field(f"{name}.{f}", [(a[name][i][f], b[name][j][f]) for i, j in r["pairs"][name]])
    out += ["", "| agreement beyond codes, over matched pairs | n | equal | percent |", "|---|--:|--:|--:|"]

    def plain(name, values):
        same = sum(values)
        out.append(f"| {name} | {len(values)} | {same} | {100 * same / len(values):.0f} % |")

    mp = [(a["mentions"][i], b["mentions"][j]) for i, j in r["pairs"]["mentions"]]
    plain(
        "mentions: same actor or place",
        [
            bool(
                (x["actor_id"] and x["actor_id"] == r["act"](y["actor_id"]))
                or (x["place_id"] and x["place_id"] == r["idmap"]["places"].get(y["place_id"]))
            )
            for x, y in mp
        ],
    )
    qp = [(a["claims"][i], b["claims"][j]) for i, j in r["quantities"][0]]
    plain(
        "quantities: same low, best and high", [all(x[k] == y[k] for k in ("qty_low", "qty_best", "qty_high")) for x, y in qp]
    )
    plain("quantities: same words", [x["qty_text"] == y["qty_text"] for x, y in qp])
    dp = [(a["events"][i], b["events"][j]) for i, j in r["dates"][0]]
    for k, t in (
        ("date_text", "same words"),
        ("date_edtf_stated", "same stated EDTF"),
        ("date_edtf", "same EDTF"),
        ("date_precision", "same precision"),
    ):
        plain(f"dates: {t}", [x[k] == y[k] for x, y in dp])
    return "\n".join(out)


def listing(a, b, r):
    def show(name, row):
        key = row.get("id") or " ".join(row[k] for k in list(row)[:3])
        return f"{key} | " + " | ".join(
            row[k]
            for k in (
                "start",
                "end",
                "event_id",
                "actor_id",
                "place_id",
                "speech_act",
                "hedge",
                "name",
                "label",
                "gist",
                "from_actor_id",
                "relation",
                "to_actor_id",
                "role",
                "date_text",
                "qty_text",
            )
            if row.get(k)
        )

    out = []
    for name in TABLES:
        out.append(f"## {name}")
        for t, side, n in ((a, 0, "A"), (b, 1, "B")):
            used = {p[side] for p in r["pairs"][name]}
            out += [f"only {n}: {show(name, row)}" for i, row in enumerate(t[name]) if i not in used]
        for i, j in r["pairs"][name]:
            x, y = a[name][i], b[name][j]
            more = [
                "qty_text",
                "date_text",
                "date_edtf_stated",
                "date_edtf",
                "themes",
                "timing",
                "capacity",
                "living_person",
                "iso_3166_1",
            ]
            d = [f"{k}: {x[k] or '∅'} / {y[k] or '∅'}" for k in FIELDS.get(name, []) + more if k in x and x[k] != y[k]]
            for k, m in (
                ("actor_id", "actors"),
                ("place_id", "places"),
                ("part_of", "places"),
                ("attributed_to", "actors"),
                ("parent_id", "events"),
            ):
                if k in x and x[k] != r["idmap"][m].get(y[k], y[k]):
                    d.append(f"{k}: {x[k] or '∅'} / {y[k] or '∅'}")
            if d:
                out.append(f"differ: {x.get('id') or show(name, x)} ~ {y.get('id') or ''} | " + "; ".join(d))
    for name, label in (("quantities", "claims"), ("dates", "events")):
        m, qa, qb = r[name]
        out.append(f"## {name}")
        out += [f"only A: {show(label, a[label][i])}" for i in qa if i not in {p for p, _ in m}] + [
            f"only B: {show(label, b[label][j])}" for j in qb if j not in {q for _, q in m}
        ]
    return "\n".join(out)


if __name__ == "__main__":
    folders = [x for x in sys.argv[1:] if not x.startswith("--")]
    if len(folders) != 2:
        sys.exit(__doc__)
    A, B = map(load, folders)
    R = compare(A, B)
    print(listing(A, B, R) if "--list" in sys.argv else "\n".join([HEAD, report(A, B, R), "", LIMITS.rstrip()]))
