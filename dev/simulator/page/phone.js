"use strict";
// The phone: asks for the state of one conversation, shows it, and sends what is typed. Text is only ever set as text.

const at = (id) => document.getElementById(id);
const SILENT = "The simulator does not answer. Start it: trunkline up";
const TICKS = { received: "✓", delivered: "✓✓", read: "✓✓ read", failed: "not delivered" };
const MARKUP = /```([\s\S]+?)```|`([^`\n]+)`|(?<![\p{L}\p{N}])\*(?=\S)([^*\n]*[^*\s])\*(?![\p{L}\p{N}])|(?<![\p{L}\p{N}])_(?=\S)([^_\n]*[^_\s])_(?![\p{L}\p{N}])|(?<![\p{L}\p{N}])~(?=\S)([^~\n]*[^~\s])~(?![\p{L}\p{N}])|(https?:\/\/[^\s<>()]+)/u;

let shown = "";
let version = 0;

function element(name, text, className) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function format(text, into) {
  let rest = text;
  for (let found; (found = MARKUP.exec(rest)); rest = rest.slice(found.index + found[0].length)) {
    into.append(rest.slice(0, found.index));
    const [whole, block, code, bold, italic, strike, url] = found;
    if (block !== undefined) into.append(element("code", block.replace(/^\n|\n$/g, ""), "block"));
    else if (code !== undefined) into.append(element("code", code));
    else if (url !== undefined) {
      const link = element("a", url);
      link.href = url;
      link.rel = "noreferrer noopener";
      into.append(link);
    } else {
      const inner = element(bold !== undefined ? "strong" : italic !== undefined ? "em" : "s");
      format(bold ?? italic ?? strike ?? whole, inner);
      into.append(inner);
    }
  }
  into.append(rest);
}

function bubble(message) {
  const made = element("div", "", `bubble ${message.direction}`);
  if (message.media) made.append(element("span", `${message.media}`, "picture"));
  const body = element("span");
  format(message.body, body);
  made.append(body);
  const time = new Date(message.at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
  const ticks = message.direction === "out" ? ` ${TICKS[message.status] ?? ""}` : "";
  made.append(element("span", time + ticks, message.status === "failed" ? "meta bad" : "meta"));
  return made;
}

function alarm(text) {
  at("banner").textContent = text;
  at("banner").hidden = !text;
}

function warn(state) {
  const out = state.messages.filter((message) => message.direction === "out").at(-1);
  let text = "";
  if (out?.http_status === 0) text = `The gateway does not answer at ${state.ingress_url}. Start it: trunkline up`;
  else if (out?.http_status === 403) text = `The gateway refused the signature (403): its token or its public URL differs. Signed here: ${state.webhook_url}`;
  else if (out?.http_status >= 400) text = `The gateway answered ${out.http_status}.`;
  alarm(text);
}

function chosen() {
  return at("phone").value.trim() || "+15550001";
}

function show(state, phone) {
  if (phone !== chosen() || state.version < version) return; // answers overtake each other
  version = state.version;
  const key = JSON.stringify([state.phone, state.messages]);
  at("line").textContent = `to ${state.line.replace("whatsapp:", "")}`;
  at("typing").hidden = !state.typing;
  if (state.console_url) { at("console").href = state.console_url; at("console").hidden = false; }
  warn(state);
  if (key === shown) return;
  shown = key;
  const log = at("log");
  const children = state.messages.map(bubble);
  log.replaceChildren(...(children.length ? children : [element("p", "Say hi, or /help", "empty")]));
  log.scrollTop = log.scrollHeight;
}

async function state(wait) {
  const phone = chosen();
  const answer = await fetch(`/sim/state?${new URLSearchParams({ phone, wait, since: version })}`);
  show(await answer.json(), phone);
}

async function follow() {
  for (;;) {
    try {
      await state(20);
    } catch {
      alarm(SILENT);
      await new Promise((done) => setTimeout(done, 1000));
    }
  }
}

async function send(extra) {
  const message = { from: chosen(), body: at("text").value, wait: true, ...extra };
  if (!message.body.trim() && !extra.media) return;
  at("text").value = "";
  try {
    const answer = await fetch("/sim/messages", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(message) });
    if (answer.ok) return await state(0);
    alarm((await answer.json()).error);
  } catch {
    alarm(SILENT);
  }
  at("text").value ||= message.body; // it was not taken: nobody should have to type it again
}

at("form").addEventListener("submit", (event) => { event.preventDefault(); send({}); });
at("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); send({}); }
});
at("image").addEventListener("click", () => send({ media: { content_type: "image/png" } }));
at("attach").addEventListener("click", () => at("file").click());
at("file").addEventListener("change", async () => {
  const [file] = at("file").files;
  at("file").value = "";
  if (!file) return;
  const url = await new Promise((done) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => done(reader.result));
    reader.readAsDataURL(file);
  });
  send({ media: { content_type: file.type || "application/octet-stream", data: url.slice(url.indexOf(",") + 1) } });
});
at("phone").addEventListener("change", () => {
  history.replaceState(null, "", `?${new URLSearchParams({ phone: chosen() })}`);
  state(0).catch(() => alarm(SILENT));
});
at("phone").value = new URLSearchParams(location.search).get("phone") ?? at("phone").value;
for (let number = 1; number <= 4; number += 1) at("phones").append(Object.assign(element("option"), { value: `+1555000${number}` }));

state(0).catch(() => {}).finally(follow);
