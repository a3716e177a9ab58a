// The conditions panel: what goes wrong, on whose order, and how to make everything work again.

import { at, button, element, fill, post } from "./dom.js";

const UNITS = { seconds: "s", jitter: "± s", code: "" };
const rows = new Map();

function amount(made, name) {
  const { label, order, codes } = made;
  const box = element(codes.length ? "select" : "input");
  if (codes.length) box.append(...codes.map((code) => Object.assign(element("option", `${code}`), { value: code })));
  else Object.assign(box, { type: "number", min: 0, max: 600, step: "any" });
  box.value = order[name];
  box.setAttribute("aria-label", `${label}: ${name}`);
  return box;
}

function row(made) {
  const root = element("div", "", "row");
  const label = element("label");
  const tick = Object.assign(element("input"), { type: "checkbox" });
  label.append(tick, made.label);
  const amounts = Object.fromEntries(made.amounts.map((name) => [name, amount(made, name)]));
  const turn = () => {
    const chosen = Object.fromEntries(Object.entries(amounts).map(([name, box]) => [name, Number(box.value)]));
    return post("/sim/switches", { name: made.name, on: tick.checked, ...chosen, ...JSON.parse(at("often").value) });
  };
  tick.addEventListener("change", turn);
  for (const box of Object.values(amounts)) box.addEventListener("change", () => { if (tick.checked) turn(); });
  root.append(label, ...Object.entries(amounts).flatMap(([name, box]) => [box, element("span", UNITS[name], "muted")]));
  rows.set(made.name, { tick, amounts });
  return root;
}

function group({ label, switches }) {
  const root = element("fieldset");
  root.append(element("legend", label), ...switches.map(row));
  return root;
}

export function showConditions({ active, sandbox }) {
  const none = element("li", "All is well at Twilio.", "muted");
  const key = JSON.stringify(active);
  if (at("active").dataset.key !== key) {
    at("active").dataset.key = key;
    const items = active.map(({ label, often }) => element("li", often ? `${label}, ${often}` : label, "chip warn"));
    at("active").replaceChildren(...(items.length ? items : [none]));
    at("happy").hidden = !active.length;
  }
  at("sandbox").checked = sandbox;
  const on = new Map(active.map((it) => [it.switch, it]));
  for (const [name, { tick, amounts }] of rows) {
    tick.checked = on.has(name);
    for (const [field, box] of Object.entries(amounts)) {
      if (on.has(name) && document.activeElement !== box) box.value = on.get(name)[field];
    }
  }
}

function added(form, path) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await post(path, Object.fromEntries(new FormData(form)))) form.reset();
  });
}

export function offerConditions({ groups, presets, conditions }) {
  at("presets").append(...presets.map(({ name, label, meaning }) =>
    Object.assign(button(label, () => post("/sim/presets", { name })), { title: meaning })));
  at("switches").append(...groups.map(group));
  fill(at("seed").elements.name, Object.entries(conditions).map(([name, meaning]) => [name, `${name}: ${meaning}`]), "healthy");
  at("happy").addEventListener("click", () => post("/sim/presets", { name: "happy" }));
  at("jump").addEventListener("click", () => post("/sim/clock", { ahead: 24 * 3600 }));
  at("sandbox").addEventListener("change", () => post("/sim/sandbox", { on: at("sandbox").checked }));
  at("seed").addEventListener("submit", (event) => {
    event.preventDefault();
    post("/sim/conditions", { name: at("seed").elements.name.value });
  });
  added(at("meet"), "/sim/people");
  added(at("line"), "/sim/lines");
  at("replay").addEventListener("click", () => at("transcript").click());
  at("transcript").addEventListener("change", async () => {
    const [file] = at("transcript").files;
    at("transcript").value = "";
    if (file) await post("/sim/transcript", await file.text());
  });
  at("reset").addEventListener("click", () => post("/sim/reset"));
  at("conditions").open = matchMedia("(min-width: 64rem)").matches;
}
