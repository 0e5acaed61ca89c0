"use strict";
(() => {
const PAGE = 25; // rows shown at a time
const WIDE = 40; // fields side by side
const [SHORT, LONG] = [24, 40]; // characters up to which a cell keeps to one line, and from which on it asks for room
const LISTED = 10; // rows that refer to a row, listed before they are only counted
const HEADLINE = 120; // characters of what says in words what a row is, where it stands for the row
const DEEP = 3; // how far a row's references are followed
const NUMBERS = new Set(["integer", "number", "year"]);
const collator = new Intl.Collator("en", { numeric: true });
const byId = id => document.getElementById(id);
document.documentElement.classList.add("js");

/** An element; everything that comes from the data goes through `textContent` or is an address that begins with "#/". */
const make = (tag, text, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  if (text !== null) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};

// Copying, and the page's own address

const here = location.href.split(/[?#]/)[0].replace(/[^/]*$/, "").replaceAll("'", "%27");
// Of a file on a disk these want the name as it is, where others take an address; each has its own quotation marks.
const NAMED = {
  R: name => name.replace(/[\\"]/g, "\\$&"),
  DuckDB: name => name.replace(/[*?[]/g, "[$&]").replaceAll("'", "''"),
};
const nameOf = address => { try { return decodeURIComponent(address); } catch { return address; } };
for (const place of document.querySelectorAll(".address")) {
  const { path, language } = place.dataset;
  const named = location.protocol === "file:" && NAMED[language];
  place.textContent = named ? named(nameOf(here + path)) : here + path;
}

const copied = async (text, source) => {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    getSelection().selectAllChildren(source);
    return document.execCommand("copy");
  }
  return true;
};
for (const button of document.querySelectorAll("button.copy")) {
  button.addEventListener("click", async () => {
    const source = button.parentElement.querySelector("code");
    const done = await copied(button.dataset.copy ?? source.textContent, source);
    button.textContent = done ? "Copied" : "Select and copy it";
    byId("said").textContent = done ? "Copied." : "It could not be copied; it is selected.";
    setTimeout(() => { button.textContent = "Copy"; byId("said").textContent = ""; }, 2000);
  });
}

// The data

const tables = JSON.parse(byId("data").textContent).tables;
if (!tables.length) return;

const isJson = text => { try { JSON.parse(text); return true; } catch { return false; } };
/** Whether an item of a list can stand between commas and be taken for nothing else. */
const isPlain = one => typeof one === "string" ? one === one.trim() && !/^$|^["[]|,/.test(one) && !isJson(one) : one !== null && typeof one !== "object";
const shown = value => {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value) && value.length && value.every(isPlain)) return value.join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
};
const joined = values => values.some(one => one === null) ? null : JSON.stringify(values.map(String));
const at = (row, fields) => fields.map(number => row[number]);
const titleOf = one => one.title || one.name;
const cached = make => { const kept = new Map(); return (...key) => { const id = key.join(); if (!kept.has(id)) kept.set(id, make(...key)); return kept.get(id); }; };

/** For a table and some of its fields: the positions of the rows by what they hold there. */
const index = cached((table, ...fields) => {
  const found = new Map();
  tables[table].rows.forEach((row, position) => {
    const key = joined(at(row, fields));
    if (key !== null) found.has(key) ? found.get(key).push(position) : found.set(key, [position]);
  });
  return found;
});
const lowered = cached(table => tables[table].rows.map(row => row.map(shown).join("\n").toLowerCase()));
const target = (table, row, link) => {
  const key = joined(at(tables[table].rows[row], link.fields));
  return key === null ? undefined : index(link.table, ...link.references).get(key)?.[0];
};
const keyOf = (table, row) => tables[table].key.length ? at(tables[table].rows[row], tables[table].key).map(shown) : [`@${row + 1}`];
const address = (table, row) =>
  "#/" + [tables[table].name, ...(row === undefined ? [] : keyOf(table, row))].map(encodeURIComponent).join("/");
const wordsOf = (table, row) => {
  const words = tables[table].label === null ? "" : shown(tables[table].rows[row][tables[table].label]);
  return words.length <= HEADLINE ? words : `${[...words].slice(0, HEADLINE).join("").replace(/\s+\S*$/, "")}…`;
};
const linkTo = (table, row, text) => make("a", null, { href: address(table, row) }, make("bdi", text ?? keyOf(table, row).join(" · ")));

const roomOf = text => text.length <= SHORT ? "short" : text.length <= LONG ? "middle" : "long";
/** The fields side by side: the key and what says in words what a row is first, then the others as they are. */
const columnsOf = table => {
  const first = [...(table.key.length === 1 ? table.key : []), ...(table.label === null ? [] : [table.label])];
  return [...new Set([...first, ...table.fields.keys()])].slice(0, WIDE);
};

// What is asked for

const state = { table: 0, page: 0, search: "", filters: new Map(), sort: null, down: false, rows: [] };

const numberOf = text => Number(text.replace("INF", "Infinity"));
/** The digits of a number as a whole one, with so many places after the point. */
const scaled = (text, places) => { const [whole, part = ""] = text.split("."); return BigInt(whole + part.padEnd(places, "0")); };
const placesOf = text => (text.split(".")[1] ?? "").length;
/** Below, at or above 0; NaN where one of two numbers is none. What a double can't tell apart is compared by its digits. */
const compareNumbers = (a, b) => {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== y || ![a, b].every(text => /^-?\d+(\.\d+)?$/.test(text))) return x === y ? 0 : x - y;
  const places = Math.max(placesOf(a), placesOf(b));
  const [whole, other] = [scaled(a, places), scaled(b, places)];
  return whole < other ? -1 : whole > other ? 1 : 0;
};
const compare = (type, a, b) => NUMBERS.has(type) ? compareNumbers(a, b) : collator.compare(a, b);
const holds = (field, value, wanted) => {
  const text = shown(value);
  const asked = /^(<=|>=|<|>|=)(.*)$/s.exec(wanted);
  if (!asked) return text.toLowerCase().includes(wanted.toLowerCase());
  const [, sign, rest] = asked;
  if (sign === "=") return text.trim() === rest.trim();
  if (text === "" || rest.trim() === "") return rest.trim() === "";
  const order = compare(field.type, text, rest.trim());
  return order === 0 ? sign.length === 2 : sign[0] === "<" ? order < 0 : order > 0;
};

const select = () => {
  const table = tables[state.table];
  const words = state.search.toLowerCase();
  const texts = words ? lowered(state.table) : [];
  const filters = [...state.filters];
  state.rows = table.rows.map((_, position) => position).filter(position =>
    (!words || texts[position].includes(words)) &&
    filters.every(([number, wanted]) => holds(table.fields[number], table.rows[position][number], wanted)));
  if (state.sort !== null) {
    const { type } = table.fields[state.sort];
    const sign = state.down ? -1 : 1;
    const texts_ = table.rows.map(row => shown(row[state.sort]));
    // What has no place in the order comes last in both directions: NaN, then no value.
    const last = texts_.map(text => text === "" ? 2 : Number.isNaN(compare(type, text, text)) ? 1 : 0);
    state.rows.sort((a, b) => last[a] - last[b] || (last[a] ? 0 : sign * compare(type, texts_[a], texts_[b])) || a - b);
  }
  state.page = Math.max(0, Math.min(state.page, Math.ceil(state.rows.length / PAGE) - 1));
};

// The table

const grid = byId("rows");
const [head, body] = [grid.tHead, grid.tBodies[0]];
const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

const ordered = () => {
  [...head.rows[0].cells].forEach(cell => {
    const sorted = state.sort !== null && Number(cell.dataset.field) === state.sort;
    cell.removeAttribute("aria-sort");
    if (sorted) cell.setAttribute("aria-sort", state.down ? "descending" : "ascending");
  });
};

const drawHead = () => {
  const table = tables[state.table];
  const row = make("tr", null);
  if (table.key.length !== 1) row.append(make("th", "Row", { scope: "col", tabindex: "-1" }));
  for (const number of columnsOf(table)) {
    const field = table.fields[number];
    const button = make("button", null, { type: "button", tabindex: "-1" }, make("bdi", titleOf(field)));
    if (field.description) button.title = field.description;
    button.addEventListener("click", () => {
      [state.sort, state.down] = state.sort !== number ? [number, false] : state.down ? [null, false] : [number, true];
      state.page = 0;
      draw();
    });
    const cell = make("th", null, { scope: "col", "data-field": number }, button);
    if (NUMBERS.has(field.type)) cell.className = "number";
    row.append(cell);
  }
  head.replaceChildren(row);
  reach(head.rows[0].cells[0], false);
};

const drawCell = (table, row, number) => {
  const one = tables[table];
  const text = shown(one.rows[row][number]);
  const link = one.links.find(link => link.fields.includes(number));
  const to = link && target(table, row, link);
  const own = one.key.length === 1 && one.key[0] === number;
  const cell = own ? make("th", null, { scope: "row" }) : make("td", null, { tabindex: "-1" });
  if (own || to !== undefined) {
    const place = own ? linkTo(table, row, text) : linkTo(link.table, to, text);
    place.tabIndex = -1;
    cell.removeAttribute("tabindex");
    place.className = roomOf(text);
    cell.append(place);
  } else cell.append(make("div", text, { dir: "auto", class: `cell ${roomOf(text)}` }));
  if (NUMBERS.has(one.fields[number].type)) cell.classList.add("number");
  return cell;
};

const drawBody = () => {
  const table = tables[state.table];
  const from = state.page * PAGE;
  body.replaceChildren(...state.rows.slice(from, from + PAGE).map(row => {
    const line = make("tr", null, { "data-row": row });
    if (table.key.length !== 1) {
      const place = linkTo(state.table, row, String(row + 1));
      place.tabIndex = -1;
      line.append(make("th", null, { scope: "row" }, place));
    }
    line.append(...columnsOf(table).map(number => drawCell(state.table, row, number)));
    return line;
  }));
};

const drawSaid = () => {
  const table = tables[state.table];
  const asked = state.search || state.filters.size;
  const all = count(table.rows.length, "row");
  const found = asked ? `${state.rows.length.toLocaleString("en")} of ${all} found.` : `${all}.`;
  const cut = table.rows.length < table.total
    ? ` These are the first ${table.rows.length.toLocaleString("en")} of ${count(table.total, "row")}; the rest is in the files.` : "";
  const narrow = table.fields.length > WIDE ? ` ${WIDE} of ${table.fields.length} fields are shown; a row's own view has them all.` : "";
  byId("count").textContent = found + cut + narrow;
  const from = state.page * PAGE;
  byId("page").textContent = state.rows.length
    ? `${(from + 1).toLocaleString("en")}–${Math.min(from + PAGE, state.rows.length).toLocaleString("en")} of ${state.rows.length.toLocaleString("en")}` : "no rows";
  for (const id of ["first", "previous"]) byId(id).disabled = state.page === 0;
  for (const id of ["next", "last"]) byId(id).disabled = from + PAGE >= state.rows.length;
  byId("filters-title").textContent = state.filters.size ? `Filter by field (${state.filters.size})` : "Filter by field";
  const elsewhere = [];
  if (state.search) tables.forEach((other, number) => {
    const hits = number === state.table ? 0 : lowered(number).filter(text => text.includes(state.search.toLowerCase())).length;
    if (hits) elsewhere.push(make("a", null, { href: address(number) }, make("bdi", titleOf(other)), ` (${hits.toLocaleString("en")})`));
  });
  byId("elsewhere").replaceChildren(...(elsewhere.length ? ["Found too in: ", ...elsewhere.flatMap((one, number) => number ? [", ", one] : [one])] : []));
};

const draw = () => { select(); ordered(); drawBody(); drawSaid(); };

// Keys: one cell of the table can be reached with Tab, the arrow keys lead to the others

const inner = cell => cell.querySelector("a, button") ?? cell;
const reach = (cell, focus = true) => {
  for (const one of grid.querySelectorAll("[tabindex='0']")) one.tabIndex = -1;
  inner(cell).tabIndex = 0;
  if (focus) inner(cell).focus();
};
const turn = page => { state.page = Math.max(0, Math.min(page, Math.ceil(state.rows.length / PAGE) - 1)); draw(); };
grid.addEventListener("focusin", event => {
  const cell = event.target.closest("th, td");
  if (cell) reach(cell, false);
});
grid.addEventListener("keydown", event => {
  const cell = event.target.closest("th, td");
  if (!cell || event.altKey || event.metaKey) return;
  let [row, column] = [cell.parentElement.rowIndex, cell.cellIndex];
  const last = cell.parentElement.cells.length - 1;
  const moves = {
    ArrowUp: () => row--, ArrowDown: () => row++, ArrowLeft: () => column--, ArrowRight: () => column++,
    Home: () => { column = 0; if (event.ctrlKey) row = 0; },
    End: () => { column = last; if (event.ctrlKey) row = grid.rows.length - 1; },
    PageUp: () => turn(state.page - 1), PageDown: () => turn(state.page + 1),
  };
  if (event.key === "Enter" && inner(cell) === cell && cell.parentElement.dataset.row !== undefined) {
    location.hash = address(state.table, Number(cell.parentElement.dataset.row));
  } else if (Object.hasOwn(moves, event.key)) moves[event.key]();
  else return;
  event.preventDefault();
  row = Math.max(0, Math.min(row, grid.rows.length - 1));
  reach(grid.rows[row].cells[Math.max(0, Math.min(column, last))]);
});

// The controls

const filter = (number, wanted) => {
  wanted === "" ? state.filters.delete(number) : state.filters.set(number, wanted);
  state.page = 0;
  draw();
};
const drawFilters = () => {
  byId("filter-fields").replaceChildren(...tables[state.table].fields.map((field, number) => {
    const id = `filter-${number}`;
    const label = make("label", null, { for: id }, make("bdi", titleOf(field)));
    const values = field.type === "boolean" ? ["true", "false"] : (field.values ?? []).map(shown);
    const asked = state.filters.get(number) ?? "";
    const known = values.length && (asked === "" || values.some(value => asked === `=${value}`));
    const input = known ? make("select", null, { id }) : make("input", null, { id, autocomplete: "off", spellcheck: "false" });
    if (known) {
      input.append(make("option", "any", { value: "" }), ...values.map(value => make("option", value, { value: `=${value}` })));
    }
    input.value = asked;
    input.addEventListener("input", () => filter(number, input.value.trim()));
    return make("p", null, {}, label, " ", input);
  }));
};
const show = (table, filters = new Map()) => {
  Object.assign(state, { table, page: 0, filters, sort: null, down: false });
  byId("pick").value = String(table);
  byId("explorer-title").replaceChildren("Rows of ", make("bdi", titleOf(tables[table])));
  drawHead();
  drawFilters();
  draw();
};
byId("pick").append(...tables.map((one, number) => make("option", one.title ? `${one.title} (${one.name})` : one.name, { value: number })));
byId("pick").addEventListener("input", event => show(Number(event.target.value)));
byId("search").addEventListener("input", event => { state.search = event.target.value.trim(); state.page = 0; draw(); });
byId("clear").addEventListener("click", () => {
  state.search = byId("search").value = "";
  state.filters = new Map();
  state.page = 0;
  drawFilters();
  draw();
});
byId("first").addEventListener("click", () => turn(0));
byId("previous").addEventListener("click", () => turn(state.page - 1));
byId("next").addEventListener("click", () => turn(state.page + 1));
byId("last").addEventListener("click", () => turn(Infinity));

// One row, with what it refers to and what refers to it

const dialog = byId("row");

const reference = (table, row, link, path) => {
  const to = target(table, row, link);
  if (to === undefined) return null;
  const other = tables[link.table];
  const words = wordsOf(link.table, to);
  const said = make("div", null, { class: "reference" }, make("span", `${titleOf(other)}: `), linkTo(link.table, to));
  if (words && words !== keyOf(link.table, to).join(" · ")) said.append(" ", make("span", words, { dir: "auto", class: "words" }));
  if (path.length < DEEP) {
    const further = other.links.filter(next => next.table !== link.table && !path.includes(next.table));
    said.append(...further.map(next => reference(link.table, to, next, [...path, next.table])).filter(Boolean));
  }
  return said;
};

const drawField = (table, row, number) => {
  const one = tables[table];
  const field = one.fields[number];
  const value = one.rows[row][number];
  const text = shown(value);
  const name = make("dt", null, {}, make("span", titleOf(field), { dir: "auto" }));
  if (field.title) name.append(" ", make("code", null, {}, make("bdi", field.name)));
  const links = one.links.filter(link => link.fields[0] === number).map(link => reference(table, row, link, [table, link.table])).filter(Boolean);
  const said = make("dd", null);
  if (text === "") said.append(make("i", value === "" ? "empty text" : "no value"));
  else if (!links.length || one.links.some(link => link.fields.length > 1 && link.fields[0] === number)) {
    said.append(make("div", text === JSON.stringify(value) ? JSON.stringify(value, null, 2) : text, { dir: "auto", class: "value" }));
  }
  const code = (field.codes ?? []).find(([item]) => String(item) === text);
  if (code && (code[1] || code[2])) said.append(make("div", [code[1], code[2]].filter(Boolean).join(": "), { dir: "auto", class: "code" }));
  said.append(...links);
  if (field.description) said.append(make("div", field.description, { dir: "auto", class: "about" }));
  return [name, said];
};

const drawReferring = (table, row) => {
  const found = [];
  tables.forEach((other, number) => other.links.filter(link => link.table === table).forEach(link => {
    const key = joined(at(tables[table].rows[row], link.references));
    const rows = key === null ? [] : index(number, ...link.fields).get(key) ?? [];
    if (!rows.length) return;
    const fields = link.fields.map(field => titleOf(other.fields[field])).join(", ");
    const items = rows.slice(0, LISTED).map(one => {
      const item = make("li", null, {}, linkTo(number, one));
      if (wordsOf(number, one)) item.append(" ", make("span", wordsOf(number, one), { dir: "auto", class: "words" }));
      return item;
    });
    found.push(make("h4", null, {}, make("bdi", titleOf(other)), " by ", make("bdi", fields), `: ${rows.length.toLocaleString("en")}`), make("ul", null, {}, ...items));
    if (rows.length > LISTED) {
      const all = make("button", `Show all ${rows.length.toLocaleString("en")} in the table`, { type: "button" });
      all.addEventListener("click", () => {
        const values = at(tables[table].rows[row], link.references);
        state.search = byId("search").value = "";
        show(number, new Map(link.fields.map((field, place) => [field, `=${shown(values[place])}`])));
        dialog.close();
        byId("explorer").scrollIntoView();
        byId("filters").open = true;
      });
      found.push(make("p", null, {}, all));
    }
  }));
  return found.length ? [make("h3", "Rows that refer to this one"), ...found] : [];
};

const open = (table, row) => {
  const one = tables[table];
  const words = wordsOf(table, row);
  const close = make("button", "Close", { type: "button", class: "close" });
  close.addEventListener("click", () => dialog.close());
  const title = make("h2", null, { id: "row-title", tabindex: "-1" }, make("small", titleOf(one), { dir: "auto" }), " ", make("bdi", keyOf(table, row).join(" · ")));
  const fields = make("dl", null, {}, ...one.fields.flatMap((_, number) => drawField(table, row, number)));
  dialog.replaceChildren(close, title, ...(words ? [make("p", words, { dir: "auto", class: "words" })] : []), fields, ...drawReferring(table, row));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  title.focus();
};
let openedAt = "";
dialog.addEventListener("close", () => {
  // Told a moment later: by then somebody may have followed another address.
  if (location.hash === openedAt) history.replaceState(null, "", address(state.table));
});
dialog.addEventListener("click", event => { if (event.target === dialog) dialog.close(); });

// Addresses: #/table and #/table/key

const missing = what => {
  if (dialog.open) dialog.close();
  byId("count").textContent = `The ${what} that was asked for is not on this page.`;
  byId("explorer").scrollIntoView();
};
const route = first => {
  if (!location.hash.startsWith("#/")) { if (dialog.open) dialog.close(); return; }
  let parts;
  try { parts = location.hash.slice(2).split("/").map(decodeURIComponent); } catch { parts = []; }
  const [name, ...key] = parts;
  const table = tables.findIndex(one => one.name === name);
  if (table < 0) return missing("table");
  if (!key.length) {
    if (dialog.open) dialog.close();
    if (table !== state.table) show(table);
    byId("explorer").scrollIntoView();
    byId("explorer-title").focus({ preventScroll: true });
    return;
  }
  const row = tables[table].rows.findIndex((_, position) => {
    const own = keyOf(table, position);
    return own.length === key.length && own.every((part, number) => part === key[number]);
  });
  if ((first || row < 0) && table !== state.table) show(table);
  if (row < 0) return missing("row");
  openedAt = location.hash;
  open(table, row);
};
byId("explorer-title").tabIndex = -1;
addEventListener("hashchange", () => route(false));
show(tables.reduce((most, one, number) => one.rows.length > tables[most].rows.length ? number : most, 0));
route(true);
})();
