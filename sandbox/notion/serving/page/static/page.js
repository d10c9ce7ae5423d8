// Shows one data source as a table, keeps it fresh, and sends what the person edits.

import { EDITABLE, editor, element, plain, shown } from "./cells.js";

const OWN = { "X-Sandbox-Page": "1" };
const PAUSE = 700;
const TYPES = ["rich_text", "number", "select", "multi_select", "status", "date", "people", "checkbox", "url", "email", "phone_number", "files"];
const find = (id) => document.getElementById(id);

let state = null;
let trashed = false;
/** How to save each open editor. The table is drawn anew only when none is open and no button is held down. */
const editors = new Set();
let pressed = false;
let stale = false;
/** What each cell showed, to tell what is new; empty before the first look at a table. */
const cellTexts = new Map();
let looked = false;

const chosenSource = () => decodeURIComponent(location.hash.slice(1));

let asks = 0;
let answered = 0;

async function fetchState(all) {
  const ask = ++asks;
  const asked = new URLSearchParams({ source: chosenSource(), trashed: trashed ? "1" : "0" });
  if (state && !all) asked.set("seen", state.version);
  const answer = await fetch(`/_page/state?${asked}`, { headers: OWN });
  if (answer.status === 204) return;
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  const found = await answer.json();
  if (ask < answered) return; // overtaken by a later look
  answered = ask;
  state = found;
  render();
}

async function send(method, path, body) {
  const answer = await fetch("/_page/do", { method: "POST", headers: OWN, body: JSON.stringify({ method, path, body }) });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.message);
  return found;
}

async function act(method, path, body) {
  tell("");
  try {
    const found = await send(method, path, body);
    await fetchState(true);
    return found;
  } catch (error) {
    tell(error.message);
    return null;
  }
}

function tell(text) {
  find("message").textContent = text;
  find("message").hidden = !text;
}

const context = {
  get users() {
    return state.users;
  },
  titleOf: (id) => Object.values(state.table.titles).map((titles) => titles[id]).find((title) => title !== undefined) || "Untitled",
  people: () => Object.entries(state.users),
  related: (column) => Object.entries(state.table.titles[column.relation.data_source_id] ?? {}),
};

function render() {
  stale = Boolean(editors.size || pressed);
  if (stale) return;
  renderSources();
  const table = state.table;
  find("tools").hidden = !table;
  find("title").textContent = table ? plain(table.source.title) || "Untitled" : "Nothing here yet";
  document.title = `${find("title").textContent} · Notion sandbox`;
  find("state").textContent = table ? (trashed ? "in the trash" : `edited ${table.source.last_edited_time.slice(0, 16).replace("T", " ")}`) : "Make a table here, or let a program make one over the API.";
  find("trash").textContent = table?.trashed ? `Trash (${table.trashed})` : "Trash";
  find("trash").setAttribute("aria-pressed", trashed);
  find("add-row").hidden = find("add-column").hidden = trashed;
  find("more").textContent = table?.left_out ? `${table.left_out} older rows are not shown.` : "";
  const head = find("table").tHead;
  const body = find("table").tBodies[0];
  head.replaceChildren();
  const focused = document.activeElement?.closest("td")?.dataset.cell;
  if (!table) return body.replaceChildren();
  head.append(element("tr", {}, ...table.order.map(headCell), element("th", {}, "Last edit")));
  body.replaceChildren(...table.rows.map(renderRow));
  looked = true;
  if (!table.rows.length) body.append(element("tr", {}, element("td", { colspan: table.order.length + 1, class: "empty" }, trashed ? "The trash is empty." : "No rows.")));
  if (focused) cellAt(focused)?.querySelector(".editable")?.focus();
}

function renderSources() {
  const current = state.table?.source.id;
  find("sources").replaceChildren(...state.sources.map((source) => element("li", {}, element("a",
    { href: `#${source.id}`, "aria-current": source.id === current ? "page" : null },
    element("span", {}, source.title || "Untitled"), element("span", {}, String(source.rows))))));
}

function headCell(name) {
  const column = state.table.source.properties[name];
  const rename = async () => {
    const wanted = window.prompt(`New name of the column ${name}`, name);
    if (wanted && wanted !== name) await act("PATCH", `data_sources/${state.table.source.id}`, { properties: { [column.id]: { name: wanted } } });
  };
  return element("th", { scope: "col" }, element("button", { type: "button", title: "Rename", onclick: rename }, name), element("small", {}, column.type.replaceAll("_", " ")));
}

function renderRow(row) {
  const cells = state.table.order.map((name) => renderCell(row, name));
  const who = state.users[row.last_edited_by.id] || "somebody";
  const move = element("button", { type: "button", onclick: () => act("PATCH", `pages/${row.id}`, { in_trash: !trashed }) }, trashed ? "Restore" : "Trash");
  const edited = element("div", { class: "cell" }, `${who}, ${row.last_edited_time.slice(5, 16).replace("T", " ")}`, move);
  return element("tr", { class: trashed ? "in-trash" : null }, ...cells, element("td", { class: "edited" }, edited));
}

const words = (cell) => shown(cell, context).map((part) => part.textContent ?? part).join(", ");

function renderCell(row, name) {
  const cell = row.properties[name];
  const column = state.table.source.properties[name];
  const editable = EDITABLE.has(cell.type) && !trashed;
  const key = `${row.id} ${column.id}`;
  const text = JSON.stringify([cell[cell.type], words(cell)]);
  const computed = state.table.read_only.includes(cell.type);
  const fresh = cellTexts.has(key) ? cellTexts.get(key) !== text && !computed : looked && cell.type === "title";
  cellTexts.set(key, text);
  const inner = element("div", {
    class: editable ? "cell editable" : "cell",
    tabindex: editable ? "0" : null,
    role: editable ? "button" : null,
    "aria-label": editable ? `${name}: ${words(cell) || "empty"}` : null,
  }, ...shown(cell, context));
  const td = element("td", { "data-cell": key, class: [cell.type, computed ? "computed" : "", fresh ? "fresh" : ""].join(" ").trim() }, inner);
  if (editable) {
    const open = () => (cell.type === "checkbox" ? write(row, column, "checkbox", !cell.checkbox) : edit(row, column, cell));
    inner.addEventListener("click", open);
    inner.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        open();
      }
    });
  }
  return td;
}

const write = (row, column, type, value) => act("PATCH", `pages/${row.id}`, { properties: { [column.id]: { [type]: value } } });

const cellAt = (key) => find("table").querySelector(`td[data-cell="${CSS.escape(key)}"]`);
const idle = () => document.activeElement === document.body;
const saveAll = () => editors.forEach((save) => save());

/** Shows one cell anew while another one is being edited. */
function redraw(rowId, columnId) {
  const row = state.table?.rows.find(({ id }) => id === rowId);
  const name = state.table?.order.find((each) => state.table.source.properties[each].id === columnId);
  if (row && name) cellAt(`${rowId} ${columnId}`)?.replaceWith(renderCell(row, name));
}

/** Opens an editor in the cell. A save goes on by itself, so that the person can type into the next cell meanwhile. */
function edit(row, column, cell) {
  const { parts, read } = editor(cell, column, context);
  const before = JSON.stringify(read());
  const key = `${row.id} ${column.id}`;
  const wrong = element("p", { class: "wrong", role: "alert" });
  const cancel = element("button", { type: "button", onclick: () => close() }, "Cancel");
  const form = element("form", { class: "editor", onsubmit: (event) => { event.preventDefault(); save(); } },
    ...parts, wrong, element("div", { class: "row" }, element("button", { type: "submit" }, "Save"), cancel));
  form.noValidate = true;
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if (event.key === "Enter" && event.target.tagName === "TEXTAREA" && !event.shiftKey) {
      event.preventDefault();
      save();
    }
  });
  const open = (td) => {
    editors.add(save);
    td.replaceChildren(form);
    if (!idle()) return;
    const first = form.querySelector("input:checked") ?? form.querySelector("input, textarea, select");
    first?.focus();
    if (first?.select) first.select();
  };
  const close = () => {
    editors.delete(save);
    render();
    if (stale) redraw(row.id, column.id);
    if (idle()) cellAt(key)?.querySelector(".editable")?.focus();
  };
  const save = async () => {
    const value = read();
    if (JSON.stringify(value) === before) return close();
    editors.delete(save);
    cellAt(key).replaceChildren(element("div", { class: "cell saving" }, ...shown(cell, context)));
    try {
      await send("PATCH", `pages/${row.id}`, { properties: { [column.id]: { [cell.type]: value } } });
      await fetchState(true).catch(lost);
      return close();
    } catch (error) {
      wrong.textContent = error.message;
      const td = cellAt(key);
      return td ? open(td) : tell(`${column.name} was not saved: ${error.message}`);
    }
  };
  saveAll();
  document.activeElement.blur();
  open(cellAt(key));
}

find("add-source").addEventListener("click", async () => {
  const name = window.prompt("Name of the new table");
  if (!name) return;
  const made = await act("POST", "databases", {
    parent: { type: "workspace", workspace: true },
    title: [{ text: { content: name } }],
    initial_data_source: { properties: { Name: { title: {} } } },
  });
  if (made) location.hash = made.data_sources[0].id;
});
find("add-row").addEventListener("click", async () => {
  saveAll();
  const made = await act("POST", "pages", { parent: { data_source_id: state.table.source.id }, properties: {} });
  if (made) cellAt(`${made.id} title`)?.querySelector(".cell").click();
});
find("add-column").addEventListener("click", async () => {
  const name = window.prompt("Name of the new column");
  if (!name) return;
  const type = window.prompt(`Type of ${name}: ${TYPES.join(", ")}`, "rich_text");
  if (type) await act("PATCH", `data_sources/${state.table.source.id}`, { properties: { [name]: { [type.trim()]: {} } } });
});
find("trash").addEventListener("click", () => {
  trashed = !trashed;
  fresh();
});
window.addEventListener("hashchange", () => {
  trashed = false;
  fresh();
});

function fresh() {
  saveAll();
  cellTexts.clear();
  looked = false;
  tell("");
  return fetchState(true).catch(lost);
}

// A click on something that is drawn anew between press and release would be lost.
window.addEventListener("pointerdown", () => { pressed = true; }, true);
for (const end of ["pointerup", "pointercancel", "blur"]) {
  window.addEventListener(end, () => setTimeout(() => {
    pressed = false;
    if (stale) render();
  }));
}

let away = false;
function lost() {
  away = true;
  tell("The workspace does not answer. This page goes on when it does.");
}

async function keepFresh() {
  try {
    await fetchState(away);
    if (away) tell("");
    away = false;
  } catch {
    lost();
  }
  setTimeout(keepFresh, PAUSE);
}
keepFresh();
