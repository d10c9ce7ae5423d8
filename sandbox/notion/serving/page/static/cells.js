// How a value of each type is shown and edited. Text is only ever set as text, never as HTML.

export const plain = (runs) => runs.map((run) => run.plain_text).join("");

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

const chip = (option) => {
  const made = element("span", { class: "chip" }, option.name);
  made.style.background = `var(--${option.color ?? "default"}, var(--default))`;
  return made;
};

const moment = (text) => {
  if (!text.includes("T")) return text;
  const [day, time] = text.split("T");
  const zone = text.match(/([+-]\d\d:\d\d|Z)$/)?.[0] ?? "";
  return `${day} ${time.slice(0, 5)}${["Z", "+00:00", ""].includes(zone) ? "" : ` ${zone}`}`;
};

const period = (date) => [
  moment(date.start) + (date.end ? " →" : ""),
  ...(date.end ? [moment(date.end)] : []),
  ...(date.time_zone ? [date.time_zone] : []),
].map((part) => element("span", { class: "moment" }, part));

const nameOf = (user, context) => user.name || context.users[user.id] || user.id;

/** The text or elements that show a cell; empty for an empty one. */
export function shown(cell, context) {
  const value = cell[cell.type];
  if (value === null || value === undefined) return [];
  switch (cell.type) {
    case "title":
    case "rich_text":
      return [plain(value)];
    case "number":
      return [String(value)];
    case "select":
    case "status":
      return [chip(value)];
    case "multi_select":
      return value.map(chip);
    case "checkbox":
      return [value ? "☑" : "☐"];
    case "date":
      return period(value);
    case "people":
      return [value.map((user) => nameOf(user, context)).join(", ")];
    case "created_by":
    case "last_edited_by":
      return [nameOf(value, context)];
    case "created_time":
    case "last_edited_time":
      return [moment(value)];
    case "relation":
      return value.map(({ id }) => chip({ name: context.titleOf(id) })).concat(cell.has_more ? ["…"] : []);
    case "files":
      return [value.map((file) => file.name || file.external?.url || "file").join(", ")];
    case "unique_id":
      return [[value.prefix, value.number].filter((part) => part !== null).join("-")];
    case "formula":
    case "rollup":
      return computed(value, context);
    case "place":
      return [value.name || value.address || [value.lat, value.lon].join(", ")];
    case "verification":
      return [value.state];
    default:
      return [typeof value === "object" ? "" : String(value)];
  }
}

function computed(value, context) {
  const inner = value[value.type];
  if (inner === null || inner === undefined) return [];
  if (value.type === "array") return inner.flatMap((each, at) => [...(at ? [", "] : []), ...shown(each, context)]);
  if (value.type === "date") return period(inner);
  if (value.type === "boolean") return [inner ? "☑" : "☐"];
  return [String(inner)];
}

const TEXT_INPUTS = { number: "number", url: "url", email: "email", phone_number: "tel", files: "url" };
export const EDITABLE = new Set(["title", "rich_text", "checkbox", "select", "multi_select", "status", "date", "people",
  "relation", ...Object.keys(TEXT_INPUTS)]);

const asText = (content) => (content ? [{ type: "text", text: { content } }] : []);

/** Form elements for a cell, and `read`, which gives the value to send. */
export function editor(cell, column, context) {
  const value = cell[cell.type];
  const type = cell.type;
  if (type === "title" || type === "rich_text") {
    const area = element("textarea", { "aria-label": column.name, rows: 2 });
    area.value = plain(value);
    return { parts: [area], read: () => asText(area.value) };
  }
  if (type in TEXT_INPUTS) {
    const input = element("input", { type: TEXT_INPUTS[type], "aria-label": column.name, step: "any" });
    const address = (file) => file.external?.url ?? "";
    input.value = type === "files" ? value.map(address)[0] ?? "" : value ?? "";
    const read = () => {
      if (type === "files") return input.value ? [{ name: input.value.split("/").pop() || "file", external: { url: input.value } }] : [];
      if (input.value === "") return null;
      return type === "number" ? Number(input.value) : input.value;
    };
    return { parts: [input], read };
  }
  if (type === "date") return dateEditor(value, column);
  return choices(cell, column, context);
}

function dateEditor(value, column) {
  const timed = value?.start.includes("T") ?? false;
  const kind = (withTime) => (withTime ? "datetime-local" : "date");
  const local = (text) => (text ? text.slice(0, timed ? 16 : 10) : "");
  const zone = timed ? value.start.match(/([+-]\d\d:\d\d|Z)$/)?.[0] ?? "" : "";
  const start = element("input", { type: kind(timed), "aria-label": `${column.name}, start` });
  const end = element("input", { type: kind(timed), "aria-label": `${column.name}, end` });
  const time = element("input", { type: "checkbox" });
  start.value = local(value?.start);
  end.value = local(value?.end);
  time.checked = timed;
  time.addEventListener("change", () => {
    for (const input of [start, end]) {
      const kept = input.value;
      input.type = kind(time.checked);
      input.value = kept && (time.checked ? `${kept.slice(0, 10)}T09:00` : kept.slice(0, 10));
    }
  });
  const text = (input) => (input.value ? input.value + (time.checked ? `:00${zone || "+00:00"}` : "") : null);
  return {
    parts: [start, end, element("label", {}, time, " with a time")],
    read: () => (start.value ? { start: text(start), end: text(end) } : null),
  };
}

function choices(cell, column, context) {
  const type = cell.type;
  const many = type === "multi_select" || type === "people" || type === "relation";
  const byName = type === "select" || type === "status" || type === "multi_select";
  const value = cell[type];
  const chosen = new Set((many ? value : value ? [value] : []).map((each) => (byName ? each.name : each.id)));
  const offered = byName
    ? column[type].options.map((option) => [option.name, chip(option)])
    : (type === "people" ? context.people() : context.related(column)).map(([id, name]) => [id, name || "Untitled"]);
  const known = new Set(offered.map(([key]) => key));
  for (const key of chosen) if (!known.has(key)) offered.push([key, context.titleOf(key)]);
  const boxes = offered.map(([key, label]) => {
    const box = element("input", { type: many ? "checkbox" : "radio", name: "choice", value: key, checked: chosen.has(key) });
    return { key, box, row: element("label", {}, box, label) };
  });
  const fresh = type === "select" || type === "multi_select" ? element("input", { placeholder: "another option", "aria-label": `${column.name}, another option` }) : null;
  const none = many || type === "status" ? null : element("label", {}, element("input", { type: "radio", name: "choice", value: "" }), "none");
  const read = () => {
    const keys = boxes.filter(({ box }) => box.checked).map(({ key }) => key);
    if (fresh?.value.trim()) many ? keys.push(fresh.value.trim()) : keys.splice(0, 1, fresh.value.trim());
    const values = keys.map((key) => (byName ? { name: key } : { id: key }));
    return many ? values : values[0] ?? null;
  };
  return { parts: [element("div", { class: "choices" }, ...boxes.map(({ row }) => row), none), ...(fresh ? [fresh] : [])], read };
}
