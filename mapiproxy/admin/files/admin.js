/* Keeps what is marked with data-live up to date: fetches it again and changes only what is different, so that
   scrolling, focus, selections and open details stay. Without this script the page is reloaded as a whole. */
"use strict";
(() => {
  const light = document.getElementById("live");
  const words = document.getElementById("live-text");
  let lastGood = new Date();

  function tell(state, text) {
    if (!light) return;
    light.hidden = false;
    light.dataset.state = state;
    if (words.textContent !== text) words.textContent = text;
  }

  /* What the person at the page has changed is theirs. */
  function isTheirs(element, name) {
    return name === "open" && element.tagName === "DETAILS";
  }

  function alike(one, other) {
    return one.nodeType === other.nodeType && one.nodeName === other.nodeName && (one.id || "") === (other.id || "");
  }

  function change(old, fresh) {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
      return;
    }
    for (const { name, value } of [...fresh.attributes]) {
      if (!isTheirs(old, name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    for (const { name } of [...old.attributes]) {
      if (!isTheirs(old, name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
    }
    changeChildren(old, fresh);
  }

  function changeChildren(old, fresh) {
    let place = old.firstChild;
    for (const wanted of [...fresh.childNodes]) {
      let found = place;
      if (wanted.id) {
        found = [...old.childNodes].find((each) => alike(each, wanted));
        if (found && found !== place) old.insertBefore(found, place);
      }
      if (found && alike(found, wanted)) {
        change(found, wanted);
        place = found.nextSibling;
      } else {
        old.insertBefore(document.importNode(wanted, true), place);
      }
    }
    while (place) {
      const next = place.nextSibling;
      place.remove();
      place = next;
    }
  }

  async function refresh(region) {
    let wait = Number(region.dataset.every) || 2;
    if (!document.hidden) {
      try {
        const answer = await fetch(region.dataset.live, { cache: "no-store", credentials: "same-origin" });
        if (answer.status === 401) {
          tell("lost", "logged out: load the page again");
          return;
        }
        if (!answer.ok) throw new Error(String(answer.status));
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
        if (!isSelecting(region)) {
          const focused = document.activeElement;
          changeChildren(region, fresh);
          // A row that moved has lost it.
          if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
        }
        wait = Number(answer.headers.get("X-Every")) || wait;
        lastGood = new Date();
        tell("live", "live");
      } catch {
        tell("lost", "no answer since " + lastGood.toISOString().slice(11, 19) + " UTC");
      }
    }
    setTimeout(refresh, wait * 1000, region);
  }

  function isSelecting(region) {
    const selection = document.getSelection();
    return selection && !selection.isCollapsed && region.contains(selection.anchorNode);
  }

  for (const region of document.querySelectorAll("[data-live]")) {
    tell("live", "live");
    setTimeout(refresh, (Number(region.dataset.every) || 2) * 1000, region);
  }
})();
