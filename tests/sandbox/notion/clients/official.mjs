// What a program with Notion's own JavaScript client does to a workspace; prints what it saw as JSON.
// Usage: node official.mjs FOLDER-WITH-NODE_MODULES BASE-URL ROOT-PAGE VERSION
import { createRequire } from "node:module";
import process from "node:process";

const [folder, baseUrl, root, notionVersion] = process.argv.slice(2);
const official = createRequire(`${folder}/`)("@notionhq/client");
const { Client, collectPaginatedAPI, iteratePaginatedAPI, isFullDataSource, isFullPage, isNotionClientError } = official;
const notion = new Client({ auth: "token", baseUrl, notionVersion, retry: { initialRetryDelayMs: 10 }, logLevel: "error" });

const text = (content) => [{ type: "text", text: { content } }];
const saw = {};

const people = await collectPaginatedAPI(notion.users.list, { page_size: 1 });
const me = await notion.users.me({});
const person = people.find((user) => user.type === "person");
saw.users = { bots: people.filter((user) => user.type === "bot").length, me: me.type, person: person.name };

const database = await notion.databases.create({
  parent: { type: "page_id", page_id: root },
  title: text("Books"),
  icon: { type: "emoji", emoji: "📚" },
  initial_data_source: {
    properties: {
      Title: { type: "title", title: {} },
      Notes: { type: "rich_text", rich_text: {} },
      Pages: { type: "number", number: { format: "number" } },
      Kind: { type: "select", select: { options: [{ name: "Novel", color: "blue" }, { name: "Essay" }] } },
      Tags: { type: "multi_select", multi_select: { options: [{ name: "old" }] } },
      State: { type: "status", status: {} },
      Read: { type: "date", date: {} },
      Lent: { type: "people", people: {} },
      Files: { type: "files", files: {} },
      Owned: { type: "checkbox", checkbox: {} },
      Link: { type: "url", url: {} },
      Mail: { type: "email", email: {} },
      Phone: { type: "phone_number", phone_number: {} },
      Number: { type: "unique_id", unique_id: { prefix: "BK" } },
      Made: { type: "created_time", created_time: {} },
      Maker: { type: "created_by", created_by: {} },
      Edited: { type: "last_edited_time", last_edited_time: {} },
      Editor: { type: "last_edited_by", last_edited_by: {} },
      Double: { type: "formula", formula: { expression: 'prop("Pages") * 2' } },
    },
  },
});
const source = database.data_sources[0].id;
await notion.dataSources.update({
  data_source_id: source,
  properties: { Sequel: { type: "relation", relation: { data_source_id: source, type: "single_property", single_property: {} } } },
});
const schema = await notion.dataSources.retrieve({ data_source_id: source });
saw.schema = { full: isFullDataSource(schema), title: schema.title[0].plain_text, icon: database.icon?.emoji,
  types: Object.fromEntries(Object.entries(schema.properties).map(([name, column]) => [name, column.type])) };

const parent = { type: "data_source_id", data_source_id: source };
const add = (title, properties = {}) => notion.pages.create({ parent, properties: { Title: { title: text(title) }, ...properties } });
const first = await add("Emma", {
  Notes: { rich_text: [
    { type: "text", text: { content: "bold " }, annotations: { bold: true } },
    { type: "equation", equation: { expression: "e=mc^2" } },
    { type: "mention", mention: { type: "user", user: { id: person.id } } },
  ] },
  Pages: { number: 474 },
  Kind: { select: { name: "Novel" } },
  Tags: { multi_select: [{ name: "old" }, { name: "witty" }] },
  State: { status: { name: "In progress" } },
  Read: { date: { start: "2026-03-01T10:00:00.000+01:00", end: "2026-03-04T10:00:00.000+01:00" } },
  Lent: { people: [{ id: person.id }] },
  Files: { files: [{ type: "external", name: "scan", external: { url: "https://example.com/scan.pdf" } }] },
  Owned: { checkbox: true },
  Link: { url: "https://example.com/emma" },
  Mail: { email: "jane@example.com" },
  Phone: { phone_number: "+44 1" },
});
const shown = (page) => Object.fromEntries(Object.entries(page.properties).map(([name, value]) => {
  const inner = value[value.type];
  if (value.type === "title" || value.type === "rich_text") return [name, inner.map((run) => run.plain_text).join("")];
  if (value.type === "select" || value.type === "status") return [name, inner?.name ?? null];
  if (value.type === "multi_select" || value.type === "files") return [name, inner.map((each) => each.name)];
  if (value.type === "people" || value.type === "relation") return [name, inner.length];
  if (value.type === "date") return [name, inner && [inner.start, inner.end]];
  if (value.type === "formula") return [name, inner[inner.type]];
  if (value.type === "unique_id") return [name, `${inner.prefix}-${inner.number}`];
  return [name, value.type.endsWith("_time") || value.type.endsWith("_by") ? value.type : inner];
}));
saw.first = shown(await notion.pages.retrieve({ page_id: first.id }));
saw.full = isFullPage(first);

for (let number = 0; number < 27; number += 1) {
  await add(`Volume ${String(number).padStart(2, "0")}`, { Pages: { number }, Owned: { checkbox: number % 2 === 0 } });
}
const titles = (pages) => pages.map((page) => page.properties.Title.title[0].plain_text);
const query = (filter, sorts, rest = {}) =>
  collectPaginatedAPI(notion.dataSources.query, { data_source_id: source, filter, sorts, page_size: 10, ...rest });
saw.queries = {
  all: (await query()).length,
  few: titles(await query({ and: [{ property: "Pages", number: { less_than: 6 } }, { property: "Owned", checkbox: { equals: true } }] },
    [{ property: "Pages", direction: "descending" }])),
  either: titles(await query({ or: [{ property: "Tags", multi_select: { contains: "witty" } }, { property: "Title", title: { ends_with: "26" } }] },
    [{ property: "Title", direction: "ascending" }])),
  dated: titles(await query({ property: "Read", date: { on_or_after: "2026-01-01" } })),
  lent: titles(await query({ property: "Lent", people: { contains: person.id } })),
  unread: (await query({ property: "Read", date: { is_empty: true } })).length,
  doubled: titles(await query({ property: "Double", formula: { number: { equals: 24 } } })),
  numbered: titles(await query({ property: "Number", unique_id: { equals: 1 } })),
  recent: (await query({ timestamp: "created_time", created_time: { past_week: {} } })).length,
  narrow: Object.keys((await query(undefined, undefined, { filter_properties: ["Pages"] }))[0].properties),
};

const volumes = (await query({ property: "Title", title: { starts_with: "Volume" } })).map(({ id }) => ({ id }));
const related = await notion.pages.update({ page_id: first.id, properties: { Sequel: { relation: volumes } } });
const items = [];
for await (const item of iteratePaginatedAPI(notion.pages.properties.retrieve,
  { page_id: first.id, property_id: related.properties.Sequel.id, page_size: 10 })) items.push(item.relation.id);
saw.relation = { shown: related.properties.Sequel.relation.length, more: related.properties.Sequel.has_more, all: new Set(items).size };

const cleared = await notion.pages.update({ page_id: first.id, properties: {
  Notes: { rich_text: [] }, Pages: { number: null }, Kind: { select: null }, Tags: { multi_select: [] }, Read: { date: null },
  Lent: { people: [] }, Files: { files: [] }, Owned: { checkbox: false }, Link: { url: null }, Mail: { email: null },
  Phone: { phone_number: null }, Sequel: { relation: [] },
} });
saw.cleared = shown(cleared);

await notion.dataSources.update({ data_source_id: source, title: text("Library"), properties: {
  Pages: { name: "Length" },
  Kind: { select: { options: schema.properties.Kind.select.options.map(({ id, name }) => ({ id, name })).concat({ name: "Play" }) } },
} });
const renamed = await notion.dataSources.retrieve({ data_source_id: source });
saw.renamed = { title: renamed.title[0].plain_text, kept: renamed.properties.Length?.id === schema.properties.Pages.id,
  kinds: renamed.properties.Kind.select.options.map(({ name }) => name) };

const appended = await notion.blocks.children.append({ block_id: first.id, children: [
  { type: "heading_2", heading_2: { rich_text: text("Chapter") } },
  { type: "paragraph", paragraph: { rich_text: text("It was a fine day.") } },
  { type: "to_do", to_do: { rich_text: text("read on"), checked: false } },
] });
const [heading, , toDo] = appended.results;
await notion.blocks.update({ block_id: toDo.id, to_do: { rich_text: text("read on"), checked: true } });
await notion.blocks.delete({ block_id: heading.id });
const blocks = await collectPaginatedAPI(notion.blocks.children.list, { block_id: first.id, page_size: 1 });
saw.blocks = blocks.map((block) => [block.type, block[block.type].rich_text[0].plain_text, block[block.type].checked ?? null]);
const written = await notion.comments.create({ parent: { page_id: first.id }, rich_text: text("Lovely") });
const comments = await notion.comments.list({ block_id: first.id });
saw.comments = comments.results.map((comment) => [comment.id === written.id, comment.rich_text[0].plain_text]);

const trashed = await notion.pages.update({ page_id: first.id, in_trash: true });
const without = (await query()).length;
const restored = await notion.pages.update({ page_id: first.id, in_trash: false });
saw.trash = { trashed: trashed.in_trash, without, restored: restored.in_trash, with: (await query()).length };

const refusal = async (call) => {
  try {
    await call();
  } catch (error) {
    return isNotionClientError(error) ? [error.code, error.status ?? null] : [`not of the client: ${error}`];
  }
  return ["no error"];
};
saw.refusals = {
  unknown: await refusal(() => notion.pages.retrieve({ page_id: "00000000-0000-4000-8000-00000000dead" })),
  wrong: await refusal(() => notion.pages.update({ page_id: first.id, properties: { Length: { checkbox: true } } })),
  computed: await refusal(() => notion.pages.update({ page_id: first.id, properties: { Double: { number: 1 } } })),
  stranger: await refusal(() => new Client({ auth: "", baseUrl, notionVersion, retry: false, logLevel: "error" }).users.me({})),
};
const door = (path, body) => fetch(`${baseUrl}/_sandbox/${path}`, { method: "POST", body: JSON.stringify(body) });
await door("faults", { method: "GET", path: "/v1/pages", status: 429, retry_after: 0, times: 2 });
saw.patient = (await notion.pages.retrieve({ page_id: first.id })).id === first.id;
await door("faults", { method: "PATCH", path: "/v1/pages", status: 409 });
const collide = () => notion.pages.update({ page_id: first.id, properties: { Owned: { checkbox: true } } });
saw.conflict = [await refusal(collide), (await collide()).properties.Owned.checkbox];

for (let number = 0; number < 80; number += 1) await add("Pamphlet");
const one = await notion.dataSources.query({ data_source_id: source });
const rest = await notion.dataSources.query({ data_source_id: source, start_cursor: one.next_cursor });
saw.many = { first: one.results.length, more: one.has_more, rest: rest.results.length, last: rest.next_cursor,
  different: new Set((await query(undefined, undefined, { page_size: 100 })).map(({ id }) => id)).size };

process.stdout.write(JSON.stringify(saw));
