// The client of live pages. What it does and why: client.rs.
(() => {
  "use strict";

  // Markup: @post('/path', {contentType: 'form'})
  function parse(text) {
    const [, verb, , path, options] = /^\s*@(get|post|put|patch|delete)\(\s*(['"`])(.*?)\2\s*(,\s*{.*}\s*)?\)[\s;]*$/s.exec(text) || [];
    const has = (option) => option.test(options);
    return verb && { method: verb.toUpperCase(), path, form: has(/contentType\W+form\b/), hidden: has(/openWhenHidden\W+true/) };
  }

  // Signals: JSON merge patches (RFC 7386).
  const signals = Object.create(null);
  window.live = { signals };
  const isGroup = (value) => value && typeof value === "object" && !Array.isArray(value);

  function merge(into, patch, onlyIfMissing) {
    for (const [name, value] of Object.entries(patch)) {
      if (isGroup(value) && isGroup(into[name])) merge(into[name], value, onlyIfMissing);
      else if (onlyIfMissing && name in into) continue;
      else if (value === null) delete into[name];
      else into[name] = isGroup(value) ? merge(Object.create(null), value) : value;
    }
    return into;
  }

  function patchSignals({ signals: json, onlyIfMissing }) {
    const { _redirect, ...patch } = JSON.parse(json);
    merge(signals, patch, onlyIfMissing === "true");
    document.dispatchEvent(new CustomEvent("datastar-signal-patch", { detail: patch }));
    // Not //host or /\host.
    if (/^\/(?![/\\])/.test(_redirect)) leave(_redirect);
  }

  async function patchElements(args) {
    const scope = document.querySelector(args.viewTransitionSelector || "html");
    const animated = scope?.startViewTransition ? scope : document;
    if (args.useViewTransition !== "true" || !animated.startViewTransition) apply(args);
    else await animated.startViewTransition(() => apply(args)).updateCallbackDone;
  }

  function apply({ elements = "", selector, mode = "outer", namespace }) {
    const fresh = read(elements, namespace);
    const targets = selector
      ? [...document.querySelectorAll(selector)].map((target) => [target, fresh.cloneNode(true)])
      : [...fresh.children].map((child) => [document.getElementById(idOf(child)), child]);
    const refocus = focused();
    for (const [target, nodes] of targets) {
      if (!target) console.warn("live: the page has no", nodes);
      else if (mode === "outer") morphOuter(target, nodes);
      else if (mode === "inner") morphChildren(target, nodes, kept(target, nodes));
      else target[mode === "replace" ? "replaceWith" : mode](nodes); // or remove, append…
    }
    refocus();
    start();
  }

  function read(elements, namespace) {
    const outer = { svg: "svg", mathml: "math" }[namespace];
    const template = document.createElement("template");
    template.innerHTML = outer ? `<${outer}>${elements}</${outer}>` : elements;
    const { content } = template;
    content.querySelectorAll("script").forEach((script) => script.remove());
    if (outer) content.replaceChildren(...content.firstChild.childNodes);
    return content;
  }

  // Focus and selection outlive a move or replacement.
  function focused() {
    const active = document.activeElement || {};
    const { id, selectionStart, selectionEnd } = active;
    const home = active.closest?.("[tabindex='-1']");
    return () => {
      const now = active.isConnected ? active : document.getElementById(id) || home;
      if (!now || now === document.activeElement) return;
      now.focus({ preventScroll: true });
      if (selectionStart != null) now.setSelectionRange?.(selectionStart, selectionEnd);
    };
  }

  // Morph: elements stay the same by id, wherever they go; those without one are paired in order, by tag.
  // `ids` holds the old elements that have yet to be placed.
  const idOf = (node) => node.getAttribute?.("id"); // form.id may be a field

  function kept(old, fresh) {
    const byId = (root) => new Map([...root.querySelectorAll("[id]")].map((element) => [idOf(element), element]));
    const wanted = byId(fresh);
    return new Map([...byId(old)].filter(([id, { tagName }]) => wanted.get(id)?.tagName === tagName));
  }

  function morphOuter(target, nodes) {
    const fresh = nodes.nodeType === 1 ? nodes : nodes.firstElementChild;
    if (fresh.tagName === target.tagName) morph(target, fresh, kept(target, fresh));
    else target.replaceWith(fresh);
  }

  const IGNORED = "[data-ignore-morph], [data-live-error]";

  function morph(old, fresh, ids) {
    if (old.nodeType !== 1) {
      if (old.data !== fresh.data) old.data = fresh.data;
    } else if (!old.isEqualNode(fresh) && !(old.matches(IGNORED) && fresh.matches(IGNORED))) {
      morphAttributes(old, fresh);
      if (old.content) old.innerHTML = fresh.innerHTML;
      else morphChildren(old, fresh, ids);
    }
  }

  // What the user did stays until the server says otherwise.
  function morphAttributes(old, fresh) {
    const keepsValue = old.defaultValue === fresh.defaultValue || old === document.activeElement;
    for (const name of new Set([...old.getAttributeNames(), ...fresh.getAttributeNames()])) {
      const value = fresh.getAttribute(name);
      if (value === old.getAttribute(name)) continue;
      if (value === null) old.removeAttribute(name);
      else old.setAttribute(name, value);
      if (name === "checked" || name === "selected") old[name] = value !== null;
    }
    if (!keepsValue) old.value = fresh.defaultValue;
  }

  function morphChildren(parent, fresh, ids) {
    let next = parent.firstChild;
    const drop = () => {
      const gone = next;
      next = next.nextSibling;
      gone.remove();
    };
    for (const node of [...fresh.childNodes]) {
      const match = find(node, next, ids);
      if (match) {
        // What is gone makes way; the match need not move.
        while (next && next !== match && (next.nodeType === 1 ? idOf(next) && !ids.has(idOf(next)) : node.nodeType === 1)) drop();
        if (match === next) next = next.nextSibling;
        else if (parent.moveBefore && parent.isConnected && match.isConnected) parent.moveBefore(match, next);
        else parent.insertBefore(match, next);
        morph(match, node, ids);
      } else if (ids.size && node.firstElementChild) {
        // New itself, old elements may go into it.
        const shell = node.cloneNode(false);
        parent.insertBefore(shell, next);
        morphChildren(shell, node, ids);
      } else {
        parent.insertBefore(node, next);
      }
    }
    while (next) drop();
  }

  function find(node, next, ids) {
    const id = idOf(node);
    if (id) {
      const old = ids.get(id);
      ids.delete(id);
      return old;
    }
    if (node.nodeType !== 1) return next?.nodeType === node.nodeType && next;
    while (next && (idOf(next) || next.tagName !== node.tagName)) next = next.nextSibling;
    return next;
  }

  function send({ method, path, form }, data, headers, signal) {
    const url = new URL(path, document.baseURI);
    const inQuery = method === "GET" || method === "DELETE";
    let body;
    if (form && inQuery) data.forEach((value, name) => url.searchParams.append(name, value));
    else if (form) body = data;
    else {
      const json = JSON.stringify(signals, (name, value) => (name[0] === "_" ? undefined : value));
      if (inQuery) url.searchParams.set("datastar", json);
      else [body, headers["Content-Type"]] = [json, "application/json"];
    }
    headers["Accept"] = "text/event-stream, text/html, application/json";
    headers["Datastar-Request"] = headers["Z-App-Json-Response-On-Error"] = "true";
    return fetch(url, { method, body, headers, signal, cache: "no-store" });
  }

  const isType = (response, type) => response.headers.get("Content-Type")?.startsWith(type);

  // A last CR may be half of a CRLF.
  async function follow(response, stream = {}) {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ; ) {
      const silence = setTimeout(() => reader.cancel(), 45000); // three heartbeats
      const { value, done } = await reader.read();
      clearTimeout(silence);
      if (done) return;
      const blocks = (rest + value).replace(/\r\n|\r(?!$)/g, "\n").split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) await handle(block, stream);
    }
  }

  async function handle(block, stream) {
    let type;
    const args = {};
    for (const line of block.split("\n")) {
      const [, field, value, name, rest] = /^([^:]*):? ?((\S*) ?(.*))/s.exec(line);
      if (field === "event") type = value;
      if (field === "id" && /^[ -~]*$/.test(value)) stream.id = value;
      if (field === "retry") stream.retry = +value;
      if (field === "data") args[name] = name in args ? `${args[name]}\n${rest}` : rest;
    }
    try {
      if (type === "datastar-patch-elements") await patchElements(args);
      if (type === "datastar-patch-signals") patchSignals(args);
    } catch (error) {
      console.error("live:", error); // the next event may be better
    }
  }

  // Keeps open what the page asks for at present.
  const streams = new Map();
  let leaving = false;

  function start() {
    for (const [element, stream] of streams) {
      if (element.isConnected && element.dataset.init === stream.text) continue;
      stream.abort?.abort();
      streams.delete(element);
    }
    for (const element of document.querySelectorAll("[data-init]")) {
      const text = element.dataset.init;
      const action = parse(text);
      if (action && !streams.has(element)) streams.set(element, { text, action });
    }
    for (const stream of streams.values()) {
      if (!stream.abort && !leaving && (stream.action.hidden || !document.hidden)) keepOpen(stream);
    }
  }

  function stop(all) {
    for (const stream of streams.values()) {
      if (!all && stream.action.hidden) continue;
      stream.abort?.abort();
      stream.abort = null;
    }
  }

  async function keepOpen(stream) {
    const { signal } = (stream.abort = new AbortController());
    const show = (retrying) => {
      stream.retrying = retrying;
      const any = [...streams.values()].some((each) => each.retrying);
      document.documentElement.dataset.liveState = any ? "retrying" : "open";
    };
    for (let failures = 0; !signal.aborted; failures++) {
      let wait = 0;
      try {
        const response = await send(stream.action, new FormData(), stream.id ? { "Last-Event-ID": stream.id } : {}, signal);
        const isStream = isType(response, "text/event-stream");
        if (response.status === 204) return;
        if ([401, 403, 404].includes(response.status) || (response.ok && !isStream)) {
          // The page itself knows what to show instead. Once in a row.
          if (sessionStorage.live !== location.href) leave();
          sessionStorage.live = location.href;
          return show(true);
        }
        wait = response.headers.get("Retry-After") * 1000;
        if (isStream) {
          failures = stream.retry = 0;
          show(false);
          delete sessionStorage.live;
          await follow(response, stream);
        }
      } catch {} // no network, or the connection broke
      if (signal.aborted) return;
      show(true);
      // And up to half as much again: clients part ways.
      const retry = stream.retry || 1000;
      wait = Math.max(wait || retry, Math.min(retry * 2 ** failures, 30000));
      await new Promise((resolve) => setTimeout(resolve, wait * (1 + Math.random() / 2)));
    }
  }

  function leave(url) {
    leaving = true;
    stop(true);
    if (url) location.assign(url);
    else location.reload();
  }

  const busy = new WeakSet();

  async function act(element, action, form, button) {
    const alert = [form, document].map((scope) => scope?.querySelector("[data-live-error]")).find(Boolean);
    const say = (message) => alert && (alert.textContent = message);
    busy.add(element);
    element.setAttribute("aria-busy", "true");
    say("");
    try {
      let data = form && new FormData(form);
      if (form && button?.name) data.append(button.name, button.value);
      if (form && form.enctype !== "multipart/form-data") data = new URLSearchParams(data);
      const response = await send(action, data, {});
      if (response.redirected) leave(response.url);
      else if (response.status === 401) leave();
      else if (!response.ok) say(isType(response, "application/json") ? (await response.json()).message : `Error ${response.status}`);
      else if (isType(response, "text/event-stream")) await follow(response);
    } catch {
      // Not sent again: it may have arrived.
      if (!leaving) say("The server cannot be reached. Please try again.");
    }
    busy.delete(element);
    element.removeAttribute("aria-busy");
  }

  for (const type of ["submit", "click"]) {
    document.addEventListener(type, (event) => {
      for (let element = event.target; element; element = element.parentElement) {
        const name = element.getAttributeNames().find((name) => name.split("__")[0] === `data-on:${type}`);
        const action = name && parse(element.getAttribute(name));
        if (!action) continue;
        const link = element.closest("a[href]");
        if (link && (event.ctrlKey || event.metaKey || event.shiftKey)) return;
        const form = action.form || type === "submit" ? element.closest("form") : null;
        if (form || link || name.includes("__prevent")) event.preventDefault();
        if (busy.has(element) || (type === "click" && form && !form.reportValidity())) return;
        return act(element, action, form, event.submitter || element);
      }
    });
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : start()));
  addEventListener("online", () => (stop(true), start()));
  addEventListener("pagehide", () => stop(true));
  addEventListener("pageshow", (event) => event.persisted && ((leaving = false), start()));
  addEventListener("DOMContentLoaded", start);
  if (document.readyState !== "loading") start();
})();
