(() => {
  "use strict";
  const form = document.querySelector("form");
  const said = document.getElementById("said");
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  // The token is no longer in the address bar, nor in the history.
  history.replaceState(null, "", location.pathname);
  const tell = (text) => { said.textContent = text; said.focus(); };
  const clear = () => document.querySelectorAll(".fault").forEach((place) => {
    place.textContent = "";
    document.getElementById(place.id.replace("-fault", ""))?.removeAttribute("aria-invalid");
  });
  if (!token) {
    form.hidden = true;
    tell("This page is opened by the link in a letter. Open that link again, or ask for a new one.");
    return;
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clear();
    const again = form.elements.again;
    const chosen = form.elements.password;
    if (again && again.value !== chosen.value) {
      document.getElementById("again-fault").textContent = "The two passwords are not the same.";
      again.setAttribute("aria-invalid", "true");
      again.focus();
      return;
    }
    const body = { token };
    for (const field of form.querySelectorAll("[data-field]")) body[field.dataset.field] = field.value;
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      const answer = await fetch(form.dataset.route, {
        method: "POST", credentials: "omit", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
      });
      if (answer.ok) {
        form.hidden = true;
        tell(form.dataset.done);
        return;
      }
      const error = (await answer.json()).error;
      let first;
      for (const detail of error.details) {
        const field = form.querySelector(`[data-field="${CSS.escape(detail.field)}"]`);
        if (!field) continue;
        document.getElementById(field.id + "-fault").textContent = "It " + detail.message + ".";
        field.setAttribute("aria-invalid", "true");
        first = first || field;
      }
      if (first) first.focus(); else tell(error.message);
    } catch {
      tell("Signalbox could not be reached. Try again in a moment.");
    } finally {
      button.disabled = false;
    }
  });
})();
