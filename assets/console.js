// What the console's pages do beyond htmx. No page needs it to be used: forms and links work without.
(() => {
  const words = () => document.getElementById("words").dataset;
  const minutes = (n) => n * 60_000;

  // The viewer's time zone, for the times that the server writes.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  const told = document.cookie.split("; ").find((pair) => pair.startsWith("zone="));
  if (!told || decodeURIComponent(told.slice(5)) !== zone) {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `zone=${encodeURIComponent(zone)}; path=/; max-age=31536000; SameSite=Lax${secure}`;
  }

  // What was done is told once: without this it would be told again when the page is loaded anew.
  const address = new URL(location.href);
  if (address.searchParams.has("done")) {
    address.searchParams.delete("done");
    history.replaceState(history.state, "", address);
  }

  // Toasts.
  const toast = (text, tone = "") => {
    const shown = document.createElement("p");
    shown.className = `toast ${tone}`;
    shown.textContent = text;
    document.getElementById("toasts").append(shown);
    fade(shown);
  };
  const fade = (shown) => setTimeout(() => shown.remove(), shown.classList.contains("bad") ? 12_000 : 5_000);

  // Copy: says so for 1.6 s, and works where the clipboard is not allowed.
  const copy = async (button) => {
    const text = button.dataset.copy;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const box = document.createElement("textarea");
      box.value = text;
      box.className = "hidden";
      document.body.append(box);
      box.select();
      document.execCommand("copy");
      box.remove();
      button.focus();
    }
    if (button.querySelector(".copied")) return;
    const said = document.createElement("span");
    said.className = "copied";
    said.setAttribute("role", "status");
    said.textContent = words().copied;
    button.append(said);
    setTimeout(() => said.remove(), 1_600);
  };

  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-copy], [data-close], [data-alone]");
    if (!target) return;
    if (target.dataset.copy !== undefined) copy(target);
    const dialog = target.closest("dialog");
    if (target.dataset.close !== undefined && dialog) {
      event.preventDefault();
      dialog.close();
    }
    // A row's own button means that row, whatever is ticked.
    if (target.dataset.alone !== undefined) {
      for (const box of document.querySelectorAll(`input[type=checkbox][form="${target.getAttribute("form")}"]`)) box.checked = false;
    }
  });

  // Preferences apply at once; a wide screen shows the menu open.
  document.addEventListener("change", (event) => {
    if (event.target.form?.dataset.atOnce !== undefined) event.target.form.requestSubmit();
  });
  const wide = matchMedia("(min-width: 48rem)");
  const openMenu = () => document.querySelectorAll("details.menu").forEach((menu) => (menu.open = wide.matches));
  wide.addEventListener("change", openMenu);

  // What needs a valid form can be pressed once it is one; what a number is saved as shows while it is typed.
  const check = (form) => {
    for (const button of form.querySelectorAll("[data-when-valid]")) button.disabled = !form.checkValidity();
    const number = form.querySelector("[data-sender]");
    const bare = number?.value.replace("whatsapp:", "").replace(/\s/g, "");
    if (bare) document.getElementById(number.dataset.sender).textContent = `whatsapp:${bare}`;
  };
  document.addEventListener("input", (event) => event.target.form && check(event.target.form));

  // A countdown to a moment; at its end the page is asked for anew.
  const countDown = () => {
    for (const shown of document.querySelectorAll("[data-until]")) {
      const left = Math.max(0, Math.round((new Date(shown.dataset.until) - Date.now()) / 1000));
      shown.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
      if (!left && !shown.dataset.over) {
        shown.dataset.over = "yes";
        htmx.trigger(document.body, "code-over");
      }
    }
  };

  // Line numbers beside a text, which scroll with it.
  const number = (area) => {
    const lines = area.previousElementSibling;
    lines.textContent = Array.from({ length: area.value.split("\n").length }, (_, n) => n + 1).join("\n");
    lines.scrollTop = area.scrollTop;
  };
  document.addEventListener("input", (event) => event.target.matches("[data-numbered]") && number(event.target));
  document.addEventListener("scroll", (event) => event.target.matches?.("[data-numbered]") && number(event.target), true);

  // Empty fields of a filter form stay out of the address.
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.filters === undefined) return;
    for (const field of event.target.elements) if (!field.value) field.disabled = true;
  });
  addEventListener("pageshow", () => {
    for (const field of document.querySelectorAll("form[data-filters] :disabled")) field.disabled = false;
  });

  // A form that was asked for from a page opens as a dialog over it.
  document.addEventListener("htmx:after:swap", () => {
    const dialog = document.getElementById("dialog");
    if (dialog?.firstElementChild && !dialog.open) dialog.showModal();
    document.querySelectorAll("#toasts > .toast").forEach(fade);
  });
  document.addEventListener("close", (event) => event.target.id === "dialog" && event.target.replaceChildren(), true);

  // How many rows are new is read out, at most every 5 s; the button that says so may change more often.
  let quiet;
  const announce = () => {
    const line = document.getElementById("announced");
    const news = document.getElementById("news")?.textContent.trim() ?? "";
    if (quiet || !line || line.textContent === news) return;
    line.textContent = news;
    quiet = setTimeout(() => { quiet = undefined; announce(); }, 5_000);
  };
  document.addEventListener("htmx:after:swap", announce);

  // Every request of htmx carries the form's token; what fails with 5xx is not put into the page, but told.
  document.addEventListener("htmx:config:request", (event) => {
    const token = document.querySelector("meta[name=form-token]")?.content;
    if (token) event.detail.ctx.request.headers["X-Form-Token"] = token;
  });
  document.addEventListener("htmx:after:request", (event) => {
    const status = event.detail.ctx?.response?.status ?? 0;
    if (status >= 500 && event.target.id !== "changes") toast(words().failed, "bad");
  });

  // Live updates: hx-sse comes back after a stream that ended, never after a first connection that failed.
  const live = () => {
    const source = document.getElementById("changes");
    if (!source) return;
    const line = document.getElementById("connection");
    const say = (text) => line.textContent !== text && (line.textContent = text);
    let wait = 500;
    let retry;
    const again = () => {
      say(words().reconnecting);
      clearTimeout(retry);
      retry = setTimeout(() => {
        if (source.isConnected && !source._htmx?.sse) htmx.ajax("GET", source.getAttribute("hx-sse:connect"), { source }).catch(() => {});
        retry = setTimeout(() => !source._htmx?.sse && again(), minutes(1));
      }, wait * (0.7 + Math.random() * 0.6));
      wait = Math.min(wait * 2, 10_000);
    };
    source.addEventListener("htmx:sse:after:connection", () => {
      clearTimeout(retry);
      wait = 500;
      say("");
      // What changed since the page was made, or while there was no stream, was told to nobody.
      for (const notice of ["messages-changed", "dead-letters-changed"]) htmx.trigger(source, notice);
    });
    source.addEventListener("htmx:sse:error", () => say(words().reconnecting));
    source.addEventListener("htmx:sse:close", (event) => event.detail.reason === "ended" && again());
    for (const failed of ["htmx:error", "htmx:response:error", "htmx:after:request"]) {
      source.addEventListener(failed, (event) => {
        if (event.target !== source || source._htmx?.sse) return;
        const raw = event.detail.ctx?.response?.raw;
        if (raw?.ok && raw.headers.get("Content-Type")?.includes("text/event-stream")) return;
        again();
      });
    }
  };

  // Charts: drawn from the numbers beside them, in the theme's colours and the page's language.
  const drawn = new Map();
  const whole = Array.from({ length: 10 }, (_, n) => [1, 2, 5].map((it) => it * 10 ** n)).flat();
  const unit = (kind) => (value) => value === null ? "–" : kind === "time" ? new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit: "second", unitDisplay: "narrow", maximumFractionDigits: 2 }).format(value) : new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 }).format(value);
  const chart = (place) => {
    const { kind, unit: measure, from, step, labels, series } = JSON.parse(place.dataset.chart);
    const data = [series[0].map((_value, n) => from + n * step), ...series];
    // Canvas knows no light-dark(): an element's computed colour is what it comes to.
    const colour = (name) => { place.style.color = `var(--${name})`; const found = getComputedStyle(place).color; place.style.color = ""; return found; };
    const axis = { stroke: colour("muted"), font: "12px Inter, sans-serif", grid: { stroke: colour("line"), width: 1 }, ticks: { show: false } };
    const long = data[0].at(-1) - data[0][0] > 2 * 86_400;
    const clock = new Intl.DateTimeFormat(document.documentElement.lang, long ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit", hour12: false });
    const bars = kind === "bars" ? { paths: uPlot.paths.bars({ size: [0.7, 12], align: 0 }) } : {};
    // Bars stand on one another: each is drawn up to the sum of itself and those after it, behind them.
    const above = (n) => data[n].map((_value, i) => data.slice(n).reduce((sum, column) => sum + column[i], 0));
    const shown = kind === "bars" ? data.map((column, n) => (n ? above(n) : column)) : data;
    return new uPlot({
      width: place.clientWidth, height: 220, legend: { show: false }, cursor: { show: false },
      scales: { y: { range: (_plot, _low, high) => [0, Math.max(high * 1.08, measure === "time" ? 1 : 4)] } },
      axes: [{ ...axis, space: 70, size: 30, values: (_plot, at) => at.map((n) => clock.format(new Date(n * 1000))) }, { ...axis, size: 58, ...(measure === "time" ? {} : { incrs: whole }), values: (_plot, at) => at.map(unit(measure)) }],
      series: [{}, ...labels.map((label, n) => ({ label, stroke: colour(`series-${n + 1}`), fill: kind === "bars" ? colour(`series-${n + 1}`) : undefined, width: kind === "bars" ? 0 : 2, points: { show: kind !== "bars" && data[n + 1].filter((it) => it !== null).length < 3, size: 6 }, spanGaps: true, ...bars }))],
    }, shown, place);
  };
  const draw = () => {
    if (!window.uPlot) return;
    for (const [place, plot] of drawn) { plot.destroy(); drawn.delete(place); }
    document.querySelectorAll("[data-chart]").forEach((place) => { place.replaceChildren(); drawn.set(place, chart(place)); });
  };
  document.addEventListener("htmx:after:swap", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  let resized;
  addEventListener("resize", () => { clearTimeout(resized); resized = setTimeout(draw, 150); });

  document.addEventListener("DOMContentLoaded", () => {
    openMenu();
    for (const button of document.querySelectorAll("[data-when-valid]")) check(button.form);
    document.querySelectorAll("[data-numbered]").forEach(number);
    countDown();
    setInterval(countDown, 1_000);
    draw();
    document.querySelector("[data-newest]")?.scrollIntoView({ block: "end" });
    document.querySelectorAll("#toasts > .toast").forEach(fade);
    // The setup token stands behind the #, which no server and no log sees.
    const box = document.getElementById("setup_token");
    if (box && !box.value && location.hash.length > 1) {
      box.value = decodeURIComponent(location.hash.slice(1));
      history.replaceState(history.state, "", location.pathname);
      document.getElementById("email").focus();
    }
    live();
  });
})();
