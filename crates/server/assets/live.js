// Keeps an open page up to date. The server says that something changed; the page fetches its own address again and
// takes over what differs, element by element, so that focus, open details, typed text and the scroll position stay.
// It waits while the user holds the pointer down or has text selected, and does nothing while the page is hidden.

const AT_MOST_EVERY_MS = 1000;
const AFTER_CHANGE_MS = 250;
const SILENCE_MS = 45_000;

const note = document.getElementById("live");
let stream = null, seen = null, version = null;
let timer = 0, turnTimer = 0, watchdog = 0, fetchedAt = 0, fetching = false, again = false;
let pointerDown = false, lostSince = null;
let clockOffset = 0;

const visible = () => document.visibilityState === "visible";
const selecting = () => { const s = getSelection(); return s !== null && !s.isCollapsed && s.toString() !== ""; };
const held = () => pointerDown || selecting();

// ---- the stream ----

function open() {
  if (stream || !visible()) return;
  stream = new EventSource("/live");
  stream.addEventListener("hello", (event) => {
    const hello = JSON.parse(event.data);
    if (version !== null && version !== hello.version) { location.reload(); return; }
    const missed = seen !== null && seen !== hello.seq;
    version = hello.version;
    seen = hello.seq;
    alive();
    if (missed) refreshSoon();
  });
  stream.addEventListener("changed", (event) => { seen = JSON.parse(event.data).seq; alive(); refreshSoon(); });
  stream.onerror = () => {
    lost();
    // The browser tries again by itself, unless the server answered with an error.
    if (stream && stream.readyState === EventSource.CLOSED) { close(); setTimeout(open, 5000); }
  };
  stream.addEventListener("beat", alive);
  watch();
}

function close() {
  if (stream) stream.close();
  stream = null;
  clearTimeout(watchdog);
}

function watch() {
  clearTimeout(watchdog);
  // The server's beat comes every 15 seconds. A connection without it is dead, whatever the browser thinks.
  watchdog = setTimeout(() => { lost(); close(); open(); }, SILENCE_MS);
}

function alive() {
  lostSince = null;
  if (stream) watch();
  if (!note) return;
  note.hidden = false;
  note.classList.remove("lost");
  note.textContent = "Live";
}

function lost() {
  if (!note || lostSince) return;
  lostSince = new Date();
  note.hidden = false;
  note.classList.add("lost");
  note.textContent = `Not live since ${lostSince.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}`;
}

// ---- fetching ----

function refreshSoon() {
  if (timer || !visible()) return;
  const wait = Math.max(AFTER_CHANGE_MS, fetchedAt + AT_MOST_EVERY_MS - performance.now());
  timer = setTimeout(() => { timer = 0; refresh(); }, wait);
}

async function refresh() {
  if (!visible()) return;
  if (fetching) { again = true; return; }
  if (held()) { again = true; return; }
  fetching = true;
  fetchedAt = performance.now();
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (held()) { again = true; return; }
    take(page);
  } catch {
    lost();
    setTimeout(refreshSoon, 5000);
  } finally {
    fetching = false;
    if (again && !held()) { again = false; refreshSoon(); }
  }
}

function release() {
  pointerDown = false;
  // A click acts first, then the page may move.
  setTimeout(() => { if (again && !held()) { again = false; refreshSoon(); } }, 50);
}

// ---- taking over ----

function take(page) {
  for (const fresh of page.querySelectorAll("[data-live]")) {
    const present = document.getElementById(fresh.id);
    if (present) morph(present, fresh);
  }
  document.title = page.title;
  keepTime();
}

function morph(present, fresh) {
  attributes(present, fresh);
  children(present, fresh);
}

function attributes(present, fresh) {
  for (const { name, value } of [...fresh.attributes]) {
    if (present.getAttribute(name) !== value) present.setAttribute(name, value);
  }
  for (const { name } of [...present.attributes]) {
    // Whether details are open is the user's choice.
    if (!fresh.hasAttribute(name) && name !== "open") present.removeAttribute(name);
  }
}

function children(present, fresh) {
  let at = present.firstChild;
  for (const next of [...fresh.childNodes]) {
    const match = partner(present, at, next);
    if (match === null) {
      const added = document.importNode(next, true);
      present.insertBefore(added, at);
      flash(added);
      continue;
    }
    if (match !== at) present.insertBefore(match, at);
    at = match.nextSibling;
    if (match.nodeType === Node.ELEMENT_NODE) {
      const before = match.id ? match.textContent : null;
      morph(match, next);
      if (before !== null && match.localName === "tr" && rowText(match, before)) flash(match);
    } else if (match.data !== next.data) {
      match.data = next.data;
    }
  }
  while (at) { const rest = at.nextSibling; at.remove(); at = rest; }
}

// Relative times move all the time; only other changes of a row are news.
const withoutTime = (text) => text.replace(/\s+/g, " ").replace(/just now|\d+(\.\d)? (s|min|h|d) ago/g, "");
const rowText = (row, before) => withoutTime(row.textContent) !== withoutTime(before);

function partner(parent, at, next) {
  if (next.nodeType === Node.ELEMENT_NODE && next.id) {
    const found = document.getElementById(next.id);
    return found && found.parentNode === parent && found.localName === next.localName ? found : null;
  }
  // Without a name the next one of the same kind will do, as long as it has no name of its own.
  for (let node = at; node; node = node.nextSibling) {
    if (node.nodeType === Node.ELEMENT_NODE && node.id) return null;
    if (node.nodeType === next.nodeType && node.nodeName === next.nodeName) return node;
  }
  return null;
}

function flash(node) {
  if (node.nodeType !== Node.ELEMENT_NODE || !node.id) return;
  node.classList.add("changed");
  setTimeout(() => node.classList.remove("changed"), 1300);
}

// ---- time ----

function keepTime() {
  const verdict = document.getElementById("verdict");
  if (verdict?.dataset.now) clockOffset = Date.parse(verdict.dataset.now) - Date.now();
  clearTimeout(turnTimer);
  // A state that turns by itself, without any event.
  const turns = [...document.querySelectorAll("[data-turns-in]")].map((row) => Number(row.dataset.turnsIn));
  if (turns.length > 0) turnTimer = setTimeout(refreshSoon, Math.min(...turns) + 500);
}

function lasted(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

function tick() {
  if (!visible() || held()) return;
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const seconds = Math.max(0, Math.floor((Date.now() + clockOffset - Date.parse(time.dateTime)) / 1000));
    const text = seconds < 5 ? "just now" : `${lasted(seconds)} ago`;
    if (time.textContent !== text) time.textContent = text;
  }
}

// ---- start ----

// What came of an action is said once, not again after a reload.
const address = new URL(location.href);
if (address.searchParams.has("retry")) {
  const notice = document.getElementById("notice");
  address.searchParams.delete("retry");
  history.replaceState(null, "", address);
  if (notice) setTimeout(() => notice.remove(), 8000);
}

if (note) {
  addEventListener("pointerdown", () => { pointerDown = true; }, true);
  addEventListener("pointerup", release, true);
  addEventListener("pointercancel", release, true);
  document.addEventListener("selectionchange", () => { if (again && !held()) release(); });
  document.addEventListener("visibilitychange", () => {
    if (visible()) { open(); refreshSoon(); } else { close(); clearTimeout(timer); timer = 0; }
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => { if (event.persisted) { open(); refreshSoon(); } });
  keepTime();
  setInterval(tick, 5000);
  open();
}
