// Small things that every part of the page needs. Text is only ever set as text.

export const at = (id) => document.getElementById(id);

export function element(name, text, className) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  if (className) made.className = className;
  return made;
}

export function option(value, label) {
  return Object.assign(element("option", label ?? value), { value });
}

// Fills a select anew only where its options changed: an open list would close.
export function fill(select, options, chosen) {
  const key = JSON.stringify(options);
  if (select.dataset.key !== key) {
    select.dataset.key = key;
    select.replaceChildren(...options.map(([value, label]) => option(value, label)));
  }
  if (select.value !== chosen) select.value = chosen;
}

export function button(label, act, className = "") {
  const made = element("button", label, className);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

export const clock = (seconds, more) =>
  new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false, ...more });

const alarms = { simulator: "", order: "", gateway: "" };

// Says what is wrong with one of these three; the worst is shown.
export function alarm(about, text) {
  alarms[about] = text;
  const banner = at("banner");
  const shown = alarms.simulator || alarms.order || alarms.gateway;
  if (banner.textContent !== shown) banner.textContent = shown;
  banner.hidden = !shown;
}

export const SILENT = "The simulator does not answer. Start it: trunkline up";

// Posts to the simulator; returns its answer, or null after it has been said what is wrong.
export async function post(path, body) {
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  try {
    const answer = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: text });
    const told = await answer.json();
    alarm("order", answer.ok ? "" : told.error);
    return answer.ok ? told : null;
  } catch {
    alarm("order", SILENT);
    return null;
  }
}

export async function copy(text, from) {
  const said = from.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch { // not allowed, or no secure context
    const box = Object.assign(element("textarea"), { value: text });
    from.after(box);
    box.select();
    document.execCommand("copy");
    box.remove();
  }
  from.textContent = "Copied";
  setTimeout(() => { from.textContent = said; }, 1600);
}
