// The wire log: every request both ways, its details on demand.

import { at, button, clock, copy, element } from "./dom.js";

const ARROWS = { to_gateway: ["→", "to the gateway"], from_gateway: ["←", "from the gateway"] };
const NOT_COPIED = new Set(["host", "content-length", "connection", "accept-encoding", "authorization"]);
const MOST = 300;

const rows = new Map();
let began = null;

const quoted = (text) => `'${String(text).replaceAll("'", `'\\''`)}'`;

// Whoever pastes it proves the account by their own environment: credentials are not in the log.
export function curl(entry) {
  const parts = [`curl -X ${entry.method} ${quoted(entry.reached ?? entry.url)}`];
  if (entry.direction === "from_gateway") parts.push('-u "$TWILIO_ACCOUNT_SID:$TWILIO_AUTH_TOKEN"');
  for (const [name, value] of Object.entries(entry.headers)) {
    if (!NOT_COPIED.has(name.toLowerCase())) parts.push(`-H ${quoted(`${name}: ${value}`)}`);
  }
  if (entry.document) parts.push(`--data-raw ${quoted(JSON.stringify(entry.document))}`);
  else if (entry.method !== "GET") for (const [name, value] of Object.entries(entry.form)) parts.push(`--data-urlencode ${quoted(`${name}=${value}`)}`);
  return parts.join(" \\\n  ");
}

function table(caption, values) {
  const made = element("table");
  made.append(element("caption", caption));
  for (const [name, value] of Object.entries(values)) {
    const row = made.insertRow();
    row.append(Object.assign(element("th", name), { scope: "row" }), element("td", String(value)));
  }
  return made;
}

function status(entry) {
  if (!entry.ended) return element("span", "…", "chip");
  const good = entry.status >= 200 && entry.status < 400;
  return element("span", `${entry.status ?? "no answer"}`, good ? "chip ok" : "chip bad");
}

function details(entry, consoleUrl) {
  const made = element("div", "", "details");
  const acts = element("p", "", "acts");
  const copied = button("Copy as curl", () => copy(curl(entry), copied));
  acts.append(copied);
  if (entry.message_sid && consoleUrl) {
    const link = element("a", "In the console");
    link.href = `${consoleUrl}/messages/by-sid/${entry.message_sid}`;
    acts.append(" ", link);
  }
  made.append(acts, table("Headers", entry.headers), table(entry.method === "GET" ? "Query" : "Form", entry.form));
  if (entry.response) made.append(element("pre", entry.response));
  return made;
}

function row(entry, consoleUrl, open) {
  const made = element("li");
  const root = element("details");
  const summary = element("summary");
  const [sign, meaning] = ARROWS[entry.direction];
  const direction = element("span", sign, "arrow");
  direction.append(element("span", ` ${meaning} `, "hidden"));
  const kind = entry.form.ErrorUrl ? "fallback" : entry.form.MessageStatus ? `status ${entry.form.MessageStatus}` : entry.kind;
  summary.append(
    element("time", clock(entry.at, { second: "2-digit" })), direction, element("span", kind, "kind"), status(entry),
    element("span", entry.ended ? `${Math.round(entry.ms)} ms` : "", "ms"),
    element("span", `${entry.method} ${new URL(entry.url).pathname.replace(/^\/2010-04-01\/Accounts\/[^/]+/, "…")}`, "path"),
  );
  for (const odd of [entry.fault, entry.remark]) if (odd) summary.append(element("span", odd, "chip warn"));
  root.append(summary);
  const unfold = () => { if (root.open && root.childElementCount === 1) root.append(details(entry, consoleUrl)); };
  root.addEventListener("toggle", unfold);
  root.open = open;
  unfold();
  made.append(root);
  return made;
}

export function showWire(view) {
  const log = at("wire");
  if (view.began !== began) {
    began = view.began;
    rows.clear();
    log.replaceChildren();
  }
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  for (const entry of view.wire) {
    const known = rows.get(entry.n);
    if (known && known.changed >= entry.changed) continue;
    const made = row(entry, view.console_url, known?.made.firstElementChild.open ?? false);
    if (known) known.made.replaceWith(made);
    else log.append(made);
    rows.set(entry.n, { changed: entry.changed, made });
  }
  for (const [n, { made }] of rows) {
    if (rows.size <= MOST) break;
    made.remove();
    rows.delete(n);
  }
  at("silence").hidden = rows.size > 0;
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}
