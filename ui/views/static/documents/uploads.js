// Files and folders into the watched folder: what is there already is not sent, what is cut off is sent again, and each file is followed
// until it answers.
(() => {
  "use strict";
  const AT_ONCE = 3, ASKED_AT_ONCE = 200, LOOKED_UP_AT_ONCE = 1000, LARGEST_HASHED_BYTES = 64 << 20, LOOK_SECONDS = 3, LONGEST_PAUSE_SECONDS = 30;
  const HIDDEN = /^(\.|~\$)|^(thumbs\.db|desktop\.ini|__macosx)$/i;
  const PASSES = [0, 429, 502, 503, 504]; // no answer at all, or one that says: later
  const files = []; // all of them: { file, folder, form, collection, item, state, … }; the first page has a form too
  const hidden = new Map(); // form: how many files were left out
  let sending = 0, preparing = Promise.resolve();

  const pause = (seconds) => new Promise((over) => { setTimeout(over, seconds * 1000); addEventListener("online", over, { once: true }); });
  const named = (one) => (one.folder ? `${one.folder}/${one.file.name}` : one.file.name);
  const sentBy = (form) => files.filter((one) => one.form === form);

  // --- which files ---
  async function dropped(transfer) {
    const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean), plain = [...transfer.files];
    if (!entries.length) return plain.map((file) => ({ file, folder: "" }));
    const found = Object.assign([], { hidden: 0 });
    for (const entry of entries) await walk(entry, "", found);
    return found;
  }

  async function walk(entry, folder, found) {
    if (HIDDEN.test(entry.name) && (folder || entry.isDirectory)) { found.hidden += 1; return; }
    try {
      if (entry.isFile) found.push({ file: await new Promise((taken, failed) => { entry.file(taken, failed); }), folder });
      else {
        const reader = entry.createReader(), below = folder ? `${folder}/${entry.name}` : entry.name;
        for (;;) { // it gives a hundred at a time
          const some = await new Promise((taken, failed) => { reader.readEntries(taken, failed); });
          if (!some.length) break;
          for (const one of some) await walk(one, below, found);
        }
      }
    } catch (error) {
      found.push({ file: { name: entry.name, size: 0 }, folder, unreadable: error.message });
    }
  }

  function picked(input) {
    let left = 0;
    const found = [...input.files].flatMap((file) => {
      const [name, ...above] = file.webkitRelativePath ? file.webkitRelativePath.split("/").reverse() : [file.name];
      if (above.length && [name, ...above].some((one) => HIDDEN.test(one))) { left += 1; return []; }
      return [{ file, folder: above.reverse().join("/") }];
    });
    return Object.assign(found, { hidden: left });
  }

  function add(found, form) {
    const list = form.querySelector(".upload-results"), collection = form.elements.collection.value.trim() || "default";
    hidden.set(form, (hidden.get(form) || 0) + (found.hidden || 0));
    const added = found.map((one) => ({ ...one, form, collection, item: document.createElement("li"), state: "waiting" }));
    for (const one of added) {
      one.item.append(document.createElement("span"));
      say(one, gettext("{file}: waits", { file: named(one) }));
      if (one.unreadable) end(one, "bad", gettext("{file} cannot be read: {reason}", { file: named(one), reason: one.unreadable }));
    }
    list.append(...added.map((one) => one.item));
    files.push(...added);
    preparing = preparing.then(() => prepare(added.filter((one) => one.state === "waiting")));
    summary();
  }

  // --- which of them are there already ---
  async function prepare(added) {
    for (let begin = 0; begin < added.length; begin += ASKED_AT_ONCE) {
      const some = added.slice(begin, begin + ASKED_AT_ONCE).filter((one) => one.state === "waiting");
      if (globalThis.crypto?.subtle) await recognise(some); // only where the page came over HTTPS, or from this machine
      for (const one of some) if (one.state === "waiting") one.state = "ready";
      pump();
    }
  }

  async function recognise(some) {
    for (const one of some) {
      if (one.state !== "waiting" || one.file.size > LARGEST_HASHED_BYTES) continue;
      say(one, gettext("{file}: is compared with what is there", { file: named(one) }));
      try { one.hash = hex(await crypto.subtle.digest("SHA-256", await one.file.arrayBuffer())); }
      catch (error) { end(one, "bad", gettext("{file} cannot be read: {reason}", { file: named(one), reason: error.message })); }
    }
    const there = await lookUp({ hashes: [...new Set(some.map((one) => one.hash).filter(Boolean))] });
    const holds = (one, known) => known.content_hash === one.hash && known.collection === one.collection && !known.deletion_held_since && known.stage !== "being removed";
    for (const one of some) {
      const same = one.state === "waiting" && one.hash && there.find((known) => holds(one, known));
      if (same) end(one, "there", gettext("{file} is in collection {collection} already, as {document}; it was not sent.", { file: named(one), collection: one.collection, document: same.document }));
    }
  }

  const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  // What cannot be asked now is sent: the server recognises a file of the same name and content itself.
  async function lookUp(body) {
    if (!(body.hashes || body.documents).length) return [];
    try {
      const answer = await fetch("/api/v1/documents/lookup", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
      return answer.ok ? (await answer.json()).documents : [];
    } catch {
      return [];
    }
  }

  // --- sending ---
  function pump() {
    while (sending < AT_ONCE) {
      const one = files.find((other) => other.state === "ready");
      if (!one) break;
      sending += 1;
      one.state = "sending";
      send(one).finally(() => { sending -= 1; pump(); });
    }
    summary();
  }

  async function send(one) {
    for (let tries = 0; one.state === "sending"; tries += 1) {
      const answer = await post(one);
      if (one.state !== "sending") return;
      if (!PASSES.includes(answer.status)) return took(one, answer);
      if (!(await isReadable(one))) return end(one, "bad", gettext("{file} cannot be read any more. It was changed or moved: choose it again.", { file: named(one) }));
      say(one, answer.status ? gettext("{file}: the app is busy; it goes on by itself", { file: named(one) }) : gettext("{file}: the app cannot be reached; it goes on by itself", { file: named(one) }));
      await pause(answer.later || Math.min(LONGEST_PAUSE_SECONDS, 2 ** tries));
    }
  }

  async function isReadable(one) {
    try { await one.file.slice(0, 1).arrayBuffer(); return true; }
    catch { return false; }
  }

  function post(one) {
    const body = new FormData(), request = new XMLHttpRequest(); // fetch does not tell how much was sent
    body.append("collection", one.collection);
    body.append("folder", one.folder);
    body.append("files", one.file, one.file.name);
    say(one, gettext("{file}: copying …", { file: named(one) }), 0);
    request.upload.addEventListener("progress", (event) => { if (event.total) say(one, gettext("{file}: copying …", { file: named(one) }), event.loaded / event.total); });
    return new Promise((over) => {
      request.addEventListener("loadend", () => over({ status: request.status, text: request.responseText, later: Number(request.getResponseHeader("Retry-After")) }));
      request.open("POST", "/api/v1/documents");
      request.send(body);
      one.request = request;
    });
  }

  function took(one, answer) {
    let told = {};
    try { told = JSON.parse(answer.text); }
    catch { return end(one, "bad", gettext("{file}: the answer of the app could not be read ({status}).", { file: named(one), status: String(answer.status) })); }
    const taken = told.documents?.[0];
    if (!taken) return end(one, "bad", told.error ? `${named(one)}: ${failureOf(told.error)}` : failureOf({ code: "upload", message: told.refused[0].message }));
    const names = { name: taken.name, collection: taken.collection, file: named(one) };
    one.id = taken.document_id;
    one.where = {
      added: gettext("{name} is in collection {collection}", names),
      renamed: gettext("Another file is named {file}, so this one became {name}, and is in collection {collection}", names),
      unchanged: gettext("{name} was in collection {collection} already, with the same content", names),
    }[taken.outcome];
    if (taken.outcome === "unchanged") return end(one, "there", `${one.where}.`);
    one.state = "sent";
    say(one, gettext("{where}. It is read after what is smaller and waits already.", { where: one.where }));
    summary();
  }

  // --- from there to an answer ---
  async function follow() {
    const sent = files.filter((one) => one.state === "sent");
    if (document.hidden || !sent.length) return;
    for (let begin = 0; begin < sent.length; begin += LOOKED_UP_AT_ONCE) {
      const some = sent.slice(begin, begin + LOOKED_UP_AT_ONCE), found = new Map();
      for (const known of await lookUp({ documents: some.map((one) => one.id) })) found.set(known.document_id, known);
      for (const one of some) if (found.has(one.id)) came(one, found.get(one.id));
    }
    summary();
  }

  function came(one, known) {
    if (known.stage === "being removed") return; // an earlier file of that name: this one was not looked at yet
    if (known.state === "indexed" && !known.chunks) end(one, "answers", gettext("{where}; it is an archive, whose files are documents.", { where: one.where }));
    else if (known.chunks) end(one, "answers", gettext("{where}, and answers.", { where: one.where }));
    else if (known.state === "pending") say(one, `${one.where}: ${stageOf(known)}.`);
    else end(one, "bad", `${one.where}: ${reasonOf(known)}`);
  }

  // --- what is said ---
  function say(one, words, share = null) {
    one.item.firstElementChild.textContent = words;
    let bar = one.item.querySelector("progress");
    if (share === null) bar?.remove();
    else {
      if (!bar) { bar = document.createElement("progress"); bar.setAttribute("aria-label", named(one)); one.item.append(bar); }
      bar.value = share;
    }
  }

  function end(one, state, words) {
    one.state = state;
    one.item.className = state;
    say(one, words);
    summary();
  }

  function summary() {
    document.querySelectorAll("[data-upload]").forEach(summaryOf);
  }

  function summaryOf(form) {
    const place = form.querySelector(".upload-progress"), its = sentBy(form), omitted = hidden.get(form);
    const counted = (...states) => its.filter((one) => states.includes(one.state)).length;
    const left = counted("waiting", "ready", "sending"), there = counted("there");
    const said = [
      left ? gettext("{done} of {number} done", { done: its.length - left, number: its.length }) : ngettext("{number} file", "{number} files", its.length),
      counted("sent") && gettext("{number} on the way to an answer", { number: counted("sent") }),
      counted("answers") && ngettext("{number} answer", "{number} answer", counted("answers")),
      there && gettext("{number} there already", { number: there }),
      counted("bad") && gettext("{number} not taken, or not read", { number: counted("bad") }),
      counted("stopped") && gettext("{number} stopped", { number: counted("stopped") }),
      omitted && gettext("{number} hidden left out", { number: omitted }),
    ];
    place.hidden = !its.length && !omitted;
    const words = `${said.filter(Boolean).join(" · ")}.`, line = place.querySelector("[data-upload-summary]");
    if (line.textContent !== words) line.textContent = words;
    place.querySelector("[data-send-again]").hidden = !its.some((one) => one.state === "there" && !one.id);
    place.querySelector("[data-upload-stop]").hidden = !left;
    place.querySelector("[data-upload-close]").hidden = Boolean(left);
  }

  // --- events ---
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-upload] input[type=file]")) return;
    add(picked(event.target), event.target.form);
    event.target.value = "";
  });
  document.addEventListener("submit", (event) => { if (event.target.matches("[data-upload]")) event.preventDefault(); });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-upload] button");
    if (!button) return;
    const its = sentBy(button.form);
    if ("sendAgain" in button.dataset) for (const one of its) if (one.state === "there" && !one.id) { one.state = "ready"; one.item.className = ""; }
    if ("uploadStop" in button.dataset) {
      for (const one of its) if (["waiting", "ready", "sending"].includes(one.state)) { end(one, "stopped", gettext("{file}: stopped, and not sent.", { file: named(one) })); one.request?.abort(); }
    }
    if ("uploadClose" in button.dataset) {
      for (const one of its) { files.splice(files.indexOf(one), 1); one.item.remove(); }
      hidden.delete(button.form);
    }
    pump();
  });
  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      const drop = event.target.closest?.(".drop");
      if (event.dataTransfer.types.includes("Files")) event.preventDefault(); // else the browser leaves the app for the file
      if (!drop) return;
      drop.classList.toggle("over", kind === "dragover");
      if (kind === "drop") dropped(event.dataTransfer).then((found) => add(found, drop.closest("form")));
    });
  }
  addEventListener("beforeunload", (event) => { if (files.some((one) => ["waiting", "ready", "sending"].includes(one.state))) event.preventDefault(); });
  document.addEventListener("visibilitychange", follow);
  setInterval(follow, LOOK_SECONDS * 1000);
})();
