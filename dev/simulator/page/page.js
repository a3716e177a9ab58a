// The page: asks for news of everything that it shows, and hands it to the phones, the conditions and the wire log.

import { alarm, at, SILENT } from "./dom.js";
import { offerConditions, showConditions } from "./conditions.js";
import { Phone } from "./phone.js";
import { showWire } from "./wire.js";

const FIRST = ["+15550001", "+15550002"];
const MOST_AT_ONCE = 2;
const BREATH = 100; // ms between two looks: a storm has news all the time

const phones = [];
let catalogue;
let version = 0;

const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

function warn(view, last) {
  let text = "";
  if (last?.http_status === 0) text = `The gateway does not answer at ${view.ingress_url}. Start it: trunkline up`;
  else if (last?.http_status === 403) text = `The gateway refused the signature (403): its token or its public URL differs. Signed for ${view.webhook_url}, asked at ${view.ingress_url}`;
  else if (last?.http_status >= 400) text = `The gateway answered ${last.http_status}.`;
  alarm("gateway", text);
}

function show(view) {
  showWire(view); // in any order: each entry knows its own version
  if (view.version < version) return; // answers overtake each other
  version = view.version;
  if (view.console_url) { at("console").href = view.console_url; at("console").hidden = false; }
  showConditions(view);
  const written = phones.map((phone) => phone.show(view)).filter(Boolean);
  warn(view, written.sort((one, other) => one.at - other.at).at(-1));
}

async function look(wait) {
  const query = new URLSearchParams({ wait, since: version });
  for (const phone of phones) query.append("phone", phone.address);
  const answer = await fetch(`/sim/view?${query}`);
  show(await answer.json());
  alarm("simulator", "");
}

async function follow() {
  for (;;) {
    try {
      await look(20);
      await pause(BREATH);
    } catch {
      alarm("simulator", SILENT);
      await pause(1000);
    }
  }
}

// The address says which phones are held.
function changed() {
  history.replaceState(null, "", `?${new URLSearchParams(phones.map((phone) => ["phone", phone.address]))}`);
  for (const phone of phones) {
    phone.box.id = phone === phones[0] ? "text" : "";
    phone.close.hidden = phones.length === 1;
    phone.beside.hidden = phones.length === MOST_AT_ONCE;
  }
  look(0).catch(() => alarm("simulator", SILENT));
}

function hold(address) {
  const phone = new Phone(address, { changed, kinds: catalogue.kinds });
  phone.close.addEventListener("click", () => {
    phones.splice(phones.indexOf(phone), 1);
    phone.root.remove();
    changed();
    phones[0].box.focus();
  });
  phone.beside.addEventListener("click", () => {
    hold(FIRST.find((other) => other !== phone.address));
    changed();
    phones.at(-1).who.focus();
  });
  phones.push(phone);
  at("phones").append(phone.root);
}

// The server writes the theme into the page; the cookie tells it, and the console, which one.
function offerThemes() {
  const { dataset } = document.documentElement;
  at("theme").value = dataset.theme;
  at("theme").addEventListener("change", () => {
    dataset.theme = at("theme").value;
    document.cookie = `theme=${dataset.theme}; path=/; max-age=31536000; SameSite=Lax`;
  });
}

async function start() {
  offerThemes();
  while (!catalogue) {
    try {
      catalogue = await (await fetch("/sim/catalogue")).json();
    } catch {
      alarm("simulator", SILENT);
      await pause(1000);
    }
  }
  offerConditions(catalogue);
  const asked = new URLSearchParams(location.search).getAll("phone").slice(0, MOST_AT_ONCE);
  for (const address of asked.length ? asked : FIRST) hold(address);
  changed();
  phones[0].box.focus();
  await follow();
}

start();
