// One phone: shows its conversation, and sends what is typed, chosen or attached.

import { at, button, clock, element, fill, post } from "./dom.js";
import { format } from "./markup.js";

const TICKS = { received: "✓", delivered: "✓✓", read: "✓✓ read", failed: "not delivered" };
const bare = (address) => address.replace("whatsapp:", "");

export class Phone {
  // `changed`: told when another phone or line is chosen; `kinds`: what can be sent beside text.
  constructor(address, { changed, kinds }) {
    this.root = at("handset").content.firstElementChild.cloneNode(true);
    this.address = address;
    this.line = null;
    this.bubbles = new Map();
    this.changed = changed;
    const one = (selector) => this.root.querySelector(selector);
    Object.assign(this, { who: one(".who"), to: one(".to"), log: one(".log"), typing: one(".typing"), quoting: one(".quoting") });
    Object.assign(this, { box: one("textarea"), file: one("input[type=file]"), close: one(".close"), beside: one(".beside") });
    this.more = one(".more");
    one(".menu").append(...kinds.filter(({ name }) => name !== "image").map(({ name, label }) => button(label, () => this.choose({ kind: name }))));
    [this.count, this.within] = this.root.querySelectorAll(".burst input");
    one(".burst button").addEventListener("click", () => this.burst());
    one(".image").addEventListener("click", () => this.send({ media: { content_type: "image/png" } }));
    one(".attach").addEventListener("click", () => this.file.click());
    this.file.addEventListener("change", () => this.attach());
    this.quoting.querySelector("button").addEventListener("click", () => this.quote(null));
    this.who.addEventListener("change", () => { this.hold(this.who.value); this.changed(); });
    this.to.addEventListener("change", () => { this.line = this.to.value; });
    one("form").addEventListener("submit", (event) => { event.preventDefault(); this.send({}); });
    this.box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); this.send({}); }
    });
    this.more.addEventListener("keydown", (event) => { if (event.key === "Escape") this.more.open = false; });
  }

  hold(address) {
    this.address = address;
    this.quote(null);
    this.forget();
  }

  forget() {
    this.bubbles.clear();
    this.log.replaceChildren(element("p", "Say hi, or /help", "empty"));
  }

  show(view) {
    const people = Object.entries(view.people).map(([address, name]) => [bare(address), `${name} ${bare(address)}`]);
    if (!people.some(([address]) => address === this.address)) people.unshift([this.address, this.address]);
    fill(this.who, people, this.address);
    this.line ??= bare(view.line);
    const lines = view.lines.map(bare);
    if (!lines.includes(this.line)) lines.unshift(this.line);
    fill(this.to, lines.map((line) => [line, line]), this.line);
    const shown = view.phones[`whatsapp:${this.address}`];
    if (!shown) return undefined; // an answer about the phone that was held before
    const { typing, messages } = shown;
    this.typing.hidden = !typing;
    if (messages.length < this.bubbles.size) this.forget();
    const before = this.bubbles.size;
    for (const message of messages) this.put(message, messages);
    if (this.bubbles.size > before) this.log.scrollTop = this.log.scrollHeight;
    return messages.filter((message) => message.direction === "out").at(-1);
  }

  // Adds a bubble, or replaces it where it changed: what is not new must not be read out again.
  put(message, all) {
    const key = JSON.stringify(message);
    const known = this.bubbles.get(message.n);
    if (known?.key === key) return;
    const made = this.bubble(message, all);
    if (known) known.made.replaceWith(made);
    else {
      if (!this.bubbles.size) this.log.replaceChildren();
      this.log.append(made);
    }
    this.bubbles.set(message.n, { key, made });
  }

  bubble(message, all) {
    const made = element("div", "", `bubble ${message.direction}`);
    const quoted = message.reply_to && all.find(({ sid }) => sid === message.reply_to);
    if (quoted) made.append(element("blockquote", quoted.body.slice(0, 120)));
    if (message.about) made.append(element("div", message.about, "about"));
    if (message.media) made.append(element("span", message.media, "picture"));
    const body = element("span");
    body.dir = "auto";
    format(message.body, body);
    made.append(body);
    const ticks = message.direction === "out" ? ` ${TICKS[message.status] ?? ""}` : "";
    const meta = element("span", clock(message.at) + ticks, message.status === "failed" ? "meta bad" : "meta");
    if (message.took !== null) meta.title = `answered ${message.http_status || "nothing"} after ${message.took} ms`;
    if (message.direction === "in") made.append(button("Reply", () => this.quote(message), "plain reply"));
    made.append(meta);
    return made;
  }

  quote(message) {
    this.quoted = message;
    this.quoting.hidden = !message;
    this.quoting.querySelector("span").textContent = message ? message.body.slice(0, 120) : "";
    if (message) this.box.focus();
  }

  choose(extra) {
    this.more.open = false;
    this.box.focus();
    return this.send(extra);
  }

  async burst() {
    this.more.open = false;
    await post("/sim/bursts", { from: this.address, to: this.line, count: Number(this.count.value), seconds: Number(this.within.value) });
  }

  async send(extra) {
    const message = { from: this.address, to: this.line, body: this.box.value, wait: true, ...extra };
    if (this.quoted) message.reply_to = this.quoted.sid;
    if (!message.body.trim() && !extra.media && !extra.kind) return;
    this.box.value = "";
    this.quote(null);
    if (await post("/sim/messages", message)) return;
    this.box.value ||= message.body; // it was not taken: nobody should have to type it again
  }

  async attach() {
    const [file] = this.file.files;
    this.file.value = "";
    if (!file) return;
    const url = await new Promise((done) => {
      const reader = new FileReader();
      reader.addEventListener("load", () => done(reader.result));
      reader.readAsDataURL(file);
    });
    await this.send({ media: { content_type: file.type || "application/octet-stream", data: url.slice(url.indexOf(",") + 1) } });
  }
}
